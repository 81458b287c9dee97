import type { Group } from '../../../src/contract/backend.js'
import { Store } from '../../../src/contract/store.js'
import { BoundedStore } from '../../../src/replica/bounded-store.js'
import type { Decode } from '../../../src/replica/entries.js'
import type { Observer } from '../../../src/replica/history.js'
import { Replica } from '../../../src/replica/replica.js'
import { Deadlines } from '../../../src/time/deadlines.js'
import type { GatedBackend } from './gated-backend.js'

export const SILENT: Observer = { wantsSteps: false, stepped: () => {}, synced: () => {} }

const HERE = { run: <V>(work: () => V): V => work() }

const decode: Decode = (_key, stored) => ({ value: stored, shareable: true })

/** A replica without a dictionary around it. */
export function openReplica(backend: GatedBackend, timeout = 5_000, observer = SILENT): Promise<Replica> {
  const store = new BoundedStore(new Store(backend), new Deadlines(), timeout, HERE)
  return Replica.open(store, decode, observer, {})
}

export function setting(key: string, stored: string): Group<unknown> {
  return { conditions: [], operations: [{ type: 'set', key, stored }] }
}

/** Another process writes. */
export function writeBehind(backend: GatedBackend, key: string, stored: string): void {
  const batch = { id: `other ${Math.random()}`, groups: [setting(key, stored)] }
  backend.store.commit(batch, backend.store.version)
}

/** The present contents of the replica's memory. */
export function contentOf(replica: Replica): Record<string, unknown> {
  return Object.fromEntries(replica.memory.entries.stored)
}
