import type { Batch, CatchUp, Change, Effect, Operation, Outcome } from '../../contract/backend.js'
import { batchOf } from './nonces.js'

/** A change as the log and the channel hold it; see scripts/prelude.lua. */
type LoggedChange = [
  previous: string,
  version: string,
  id: string,
  effects: unknown,
  codes: string,
  ...values: string[],
]

/** What the pull script answers. */
export type PullReply =
  | 0
  | readonly ['changes', head: string, ...changes: (string | number)[]]
  | readonly ['state', head: string, diverged: number, ...flat: string[]]
  | readonly ['old', head: string, diverged: number, size: number]

/** A change of the log; nothing where its effects were too large to be kept. */
export function parseChange(text: string): Change | undefined {
  const [previous, version, effects] = JSON.parse(text) as LoggedChange
  if (effects === '?') return undefined
  // An empty table of Lua becomes an object.
  return { previous, version, effects: Array.isArray(effects) ? parseEffects(effects) : [], id: batchOf(version) }
}

function parseEffects(flat: readonly string[]): Effect[] {
  const effects: Effect[] = []
  for (let at = 0; at < flat.length; ) {
    const kind = flat[at]
    const key = flat[at + 1] as string
    if (kind === 's') effects.push({ type: 'set', key, stored: flat[at + 2] as string })
    else effects.push(kind === 'd' ? { type: 'delete', key } : { type: 'clear' })
    at += kind === 's' ? 3 : kind === 'd' ? 2 : 1
  }
  return effects
}

/** What a batch came to, as the script wrote it down. */
export interface Written {
  readonly codes: string
  readonly values: readonly string[]
}

/** What is written down in the log of a batch that had been executed before; nothing where that was too large. */
export function parseWritten(text: string): Written | undefined {
  const [, , , codes, ...values] = JSON.parse(text) as [string, string, object, string, ...string[]]
  return codes === '?' ? undefined : { codes, values }
}

/** The changes of an answer, or that they cannot be had. */
export function toCatchUp(version: string, texts: readonly string[]): CatchUp {
  const changes: Change[] = []
  for (const text of texts) {
    const change = parseChange(text)
    if (!change) return { type: 'tooOld', diverged: false }
    changes.push(change)
  }
  return { type: 'changes', version, changes }
}

/** The outcomes of the groups, and the effects that they had together. */
export function readOutcomes(batch: Batch, { codes, values }: Written): { outcomes: Outcome[]; effects: Effect[] } {
  const effects: Effect[] = []
  let at = 0
  let next = 0
  const outcomes = batch.groups.map(({ conditions, operations }): Outcome => {
    if (conditions.length > 0 && codes[at] === 'x') {
      at += 1
      return { status: 'conflict' }
    }
    const results = operations.map(operation => {
      const code = codes[at] as string
      at += 1
      if (code === 'v') next += 1
      return result(operation, code, values[next - 1], effects)
    })
    return { status: 'done', results }
  })
  return { outcomes, effects }
}

/** The result of one operation; its effect is appended. */
function result(operation: Operation, code: string, value: string | undefined, effects: Effect[]): unknown {
  switch (operation.type) {
    case 'set':
      effects.push({ type: 'set', key: operation.key, stored: operation.stored })
      return undefined
    case 'delete':
      if (code === 't') effects.push({ type: 'delete', key: operation.key })
      return code === 't'
    case 'pop':
      if (code !== 'v') return undefined
      effects.push({ type: 'delete', key: operation.key })
      return value
    case 'setDefault':
      if (code === 'v') return value
      effects.push({ type: 'set', key: operation.key, stored: operation.stored })
      return operation.stored
    case 'clear':
      if (code === 't') effects.push({ type: 'clear' })
      return undefined
  }
}

/** The pairs of a flat list. */
export function toMap(flat: readonly unknown[], from: number): Map<string, string> {
  const entries = new Map<string, string>()
  for (let at = from; at + 1 < flat.length; at += 2) entries.set(flat[at] as string, flat[at + 1] as string)
  return entries
}
