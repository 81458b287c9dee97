import { clearTimeout, nextTick, queueMicrotask, setTimeout } from './clock.js'

/** Bounds what depends on the outside: each wait ends by its answer, at its time limit, or when all are ended. */
export class Deadlines {
  readonly #waiting = new Set<(reason: unknown) => void>()
  #ended: { reason: unknown } | undefined

  /**
   * The answer, or `late()` as a rejection when `ms` have passed. An answer that comes after that is dropped.
   *
   * @param start - begins the work; `progress` starts the time anew; it throws once no one waits any more.
   */
  bound<V>(start: (progress: () => void) => V | Promise<V>, ms: number, late: () => unknown): Promise<V> {
    if (this.#ended) return Promise.reject(this.#ended.reason)
    return new Promise<V>((resolve, reject) => {
      const fail = (reason: unknown) => {
        settle()
        reject(reason)
      }
      const expire = () => {
        const reason = late()
        // After every promise that this settles: what the work has to say when it is given up counts for more.
        queueMicrotask(() => nextTick(fail, reason))
      }
      const timer = setTimeout(expire, Math.max(ms, 0))
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
      }
      this.#waiting.add(fail)
      const progress = () => {
        if (!this.#waiting.has(fail)) throw new Error('It was given up.')
        timer.refresh()
      }
      // An async function, so that what `start` throws at once takes the same way as what it rejects with.
      const work = async () => start(progress)
      work().then(answer => {
        settle()
        resolve(answer)
      }, fail)
    })
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** Throws the reason once all were ended. */
  throwIfEnded(): void {
    if (this.#ended) throw this.#ended.reason
  }

  /** Ends every wait, and each later one at once. */
  endAll(reason: unknown): void {
    this.#ended = { reason }
    for (const fail of [...this.#waiting]) fail(reason)
  }
}
