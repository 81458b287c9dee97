import type { Version } from '../contract/backend.js'
import type { Attribution } from '../contract/history.js'
import type { PastEntry } from '../replica/entries.js'
import type { Memory, Step } from '../replica/memory.js'
import { onAbort } from '../time/on-abort.js'
import { ChangeStream } from './change-stream.js'
import type { Change } from './events.js'

interface Watcher {
  readonly key: string | undefined
  readonly stream: ChangeStream
}

/** All watchers of a dictionary, by `watch` and by the event `change`. */
export class Watchers {
  readonly #watchers = new Set<Watcher>()

  get size(): number {
    return this.#watchers.size
  }

  add(key: string | undefined, signal: AbortSignal | undefined): ChangeStream {
    const stream: ChangeStream = new ChangeStream(() => {
      this.#watchers.delete(watcher)
      forgetSignal()
    })
    const watcher = { key, stream }
    this.#watchers.add(watcher)
    const forgetSignal = onAbort(signal, () => void stream.return())
    if (signal?.aborted) void stream.return()
    return stream
  }

  notify(change: Change): void {
    for (const { key, stream } of [...this.#watchers]) if (key === undefined || key === change.key) stream.push(change)
  }

  end(): void {
    for (const { stream } of [...this.#watchers]) stream.end()
  }
}

/** Returns a step of memory as the change that users see. */
export function toChange(step: Step, version: Version, origin: 'local' | 'remote', memory: Memory): Change {
  const change = { key: step.key, value: undefined, previous: undefined, version, origin, ...known(step.attribution) }
  define(change, 'value', step.after, step.key, memory)
  define(change, 'previous', step.before, step.key, memory)
  return Object.freeze(change) as Change
}

/** What this release knows of an attribution. A newer one may have added more to its records. */
function known({ by, reason, via }: Attribution = {}): Attribution {
  return {
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(via !== undefined && { via }),
  }
}

/** Defines a plain member if the value can be decoded, else a getter that throws the `DecodingError`. */
function define(change: object, member: string, past: PastEntry | undefined, key: string, memory: Memory): void {
  if (!past) return
  try {
    Object.defineProperty(change, member, { value: decoded(past, key, memory), enumerable: true })
  } catch (error) {
    const get = () => {
      throw error
    }
    Object.defineProperty(change, member, { get, enumerable: true })
  }
}

/** Shares the value that readers of memory get, if the entry is unchanged. */
function decoded(past: PastEntry, key: string, { entries }: Memory): unknown {
  return entries.stored.get(key) === past.stored ? entries.get(key) : entries.recall(key, past)
}
