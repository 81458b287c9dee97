import type { Change } from './events.js'

/** How many changes wait one by one for a slow consumer. Beyond that, changes of the same key are joined. */
const MAX_WAITING = 10_000

const END = { done: true, value: undefined } as const

/**
 * The changes of one watcher, in commit order, from its creation on. A consumer that falls far behind gets the difference
 * instead: for each key the latest change with the `previous` of the earliest. This bounds the memory that it needs.
 */
export class ChangeStream<T extends object = Record<string, unknown>> implements AsyncIterableIterator<Change<T>> {
  #waiting: Change<T>[] = []
  #joined: Map<string, Change<T>> | undefined
  #readers: { resolve(result: IteratorResult<Change<T>>): void; reject(reason: unknown): void }[] = []
  #ended = false
  #failure: { reason: unknown } | undefined
  readonly #onEnd: (stream: ChangeStream<T>) => void

  constructor(onEnd: (stream: ChangeStream<T>) => void) {
    this.#onEnd = onEnd
  }

  push(change: Change<T>): void {
    const reader = this.#readers.shift()
    if (reader) reader.resolve({ done: false, value: change })
    else if (this.#joined) this.#join(change)
    else if (this.#waiting.push(change) > MAX_WAITING) this.#joinAll()
  }

  next(): Promise<IteratorResult<Change<T>>> {
    const change = this.#take()
    if (change) return Promise.resolve({ done: false, value: change })
    if (this.#failure) return Promise.reject(this.#failure.reason)
    if (this.#ended) return Promise.resolve(END)
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  /** Ends after the changes that are waiting. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const reader of this.#readers.splice(0)) reader.resolve(END)
    this.#onEnd(this)
  }

  /** Ends with a rejection. */
  fail(reason: unknown): void {
    this.#failure = { reason }
    this.end()
  }

  /** Ends at once: the consumer left its loop, or its signal was aborted. */
  return(): Promise<IteratorResult<Change<T>>> {
    this.#waiting = []
    this.#joined = undefined
    this.end()
    return Promise.resolve(END)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): Change<T> | undefined {
    if (this.#waiting.length > 0) return this.#waiting.shift()
    if (!this.#joined) return undefined
    this.#waiting = [...this.#joined.values()]
    this.#joined = undefined
    return this.#waiting.shift()
  }

  #joinAll(): void {
    this.#joined = new Map()
    for (const change of this.#waiting.splice(0)) this.#join(change)
  }

  #join(change: Change<T>): void {
    const joined = this.#joined as Map<string, Change<T>>
    const earlier = joined.get(change.key)
    // Deleted first, so that keys are ordered by their latest change.
    joined.delete(change.key)
    joined.set(change.key, earlier ? withPrevious(change, earlier) : change)
  }
}

/** Copies getters too, so that a value that cannot be decoded throws when it is read and not here. */
function withPrevious<T extends object>(change: Change<T>, earlier: Change<T>): Change<T> {
  const previous = Object.getOwnPropertyDescriptor(earlier, 'previous') as PropertyDescriptor
  const joined = Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(change), previous })
  return Object.freeze(joined) as Change<T>
}
