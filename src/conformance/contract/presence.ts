import assert from 'node:assert/strict'
import type { Backend, Committed, Operation } from '../../contract/backend.js'
import type { Presence, Registered } from '../../contract/presence.js'

/** Longer than any test, in ms. */
export const LONG = 600_000

let replicas = 0

/** What a replica says of itself. */
export function presence(said: Partial<Presence> = {}): Presence {
  replicas += 1
  return { id: `replica-${replicas}_A`, host: 'web-1', pid: 42, library: '1.2.3', live: true, ...said }
}

/** Commits one group that asks for acknowledgements. */
export async function commitEverywhere(
  backend: Backend<unknown>,
  ...operations: Operation<unknown>[]
): Promise<Committed<unknown>> {
  const batch = { id: crypto.randomUUID(), groups: [{ conditions: [], operations }], acknowledge: true }
  const committed = await backend.commit?.(batch, await backend.lastUpdated(), new AbortController().signal)
  assert.ok(committed, 'commit() must return an answer')
  return committed
}

export const idsIn = ({ registry }: Committed<unknown>) => registry?.replicas.map(({ id }) => id).sort()
export const listed = async (backend: Backend<unknown>) => (await backend.replicas?.())?.replicas ?? []
export const idsOf = async (backend: Backend<unknown>) => (await listed(backend)).map(({ id }) => id).sort()

/** What a record says, without its age. */
export const said = ({ seenAgo: _, ...rest }: Registered) => rest
