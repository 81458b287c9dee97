import { clearTimeout, nextTick, queueMicrotask, setTimeout } from './clock.js'

/** Limits waits on the outside world: each ends with its answer, at its time limit, or when all are ended. */
export class Deadlines {
  readonly #waiting = new Set<(reason: unknown) => void>()
  #ended: { reason: unknown } | undefined

  /**
   * Returns the answer, or rejects with `late()` after `ms`. A later answer is dropped.
   *
   * @param start - begins the work. `progress` restarts the time limit, and throws when nobody waits any more.
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
        // Runs after every promise that this settles: a rejection of the cancelled work itself takes precedence.
        queueMicrotask(() => nextTick(fail, reason))
      }
      const timer = setTimeout(expire, Math.max(ms, 0))
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
      }
      this.#waiting.add(fail)
      const progress = () => {
        if (!this.#waiting.has(fail)) throw new Error('The call was cancelled.')
        timer.refresh()
      }
      // An async function, so that an error that `start` throws becomes a rejection.
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

  /** Throws the reason if all waits were ended. */
  throwIfEnded(): void {
    if (this.#ended) throw this.#ended.reason
  }

  /** Ends every wait, and each later one immediately. */
  endAll(reason: unknown): void {
    this.#ended = { reason }
    for (const fail of [...this.#waiting]) fail(reason)
  }
}
