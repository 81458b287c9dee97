import { setMaxListeners } from 'node:events'
import { ClosedError } from '../../errors/errors.js'
import { now, delay as pause } from '../../time/clock.js'
import { isLocked, stillLocked, unavailable } from './faults.js'
import type { Source } from './source.js'

/** The longest wait before the next attempt, in ms. Waits are random, so that waiting calls take turns. */
const LONGEST_PAUSE = 10

/**
 * Waits for locks without blocking the event loop, which SQLite's busy timeout would block. If the file is unlocked,
 * the first attempt returns its result at once.
 */
export class Patience {
  readonly #source: Pick<Source, 'place'>
  readonly #limit: number
  readonly #closing = new AbortController()

  /**
   * @param timeout - the longest time that a call may take. Attempts end a little earlier. A caller with the same
   * time limit then learns that nothing was written, and nothing is written after that.
   */
  constructor(source: Pick<Source, 'place'>, timeout: number) {
    this.#source = source
    // Any number of waiting calls listen to it.
    setMaxListeners(0, this.#closing.signal)
    this.#limit = timeout - Math.min(timeout / 10, 100)
  }

  /**
   * Retries until the file is no longer locked. Rejects with `StoreUnavailableError` if that takes too long.
   *
   * @param signal - aborted when no caller waits any more.
   */
  until<V>(attempt: () => V, signal?: AbortSignal): V | Promise<V> {
    this.#throwIfClosed()
    if (signal?.aborted) throw unavailable('the call was cancelled before it began.', this.#source.place)
    try {
      return attempt()
    } catch (error) {
      if (!isLocked(error)) throw error
      return this.#retry(attempt, error, signal)
    }
  }

  close(): void {
    this.#closing.abort()
  }

  async #retry<V>(attempt: () => V, first: unknown, signal: AbortSignal | undefined): Promise<V> {
    const startedAt = now()
    let lasted = 0
    for (let error = first; ; ) {
      const ms = 1 + Math.random() * (LONGEST_PAUSE - 1)
      const waited = now() - startedAt
      // Checked before the pause: the caller may have stopped waiting by its end. Without WAL an attempt takes time,
      // because it syncs its journal.
      if (waited + ms + lasted > this.#limit) throw stillLocked(error, this.#source.place, Math.round(waited))
      await pause(ms, undefined, { signal: this.#closing.signal }).catch(() => {})
      this.#throwIfClosed()
      const triedAt = now()
      if (signal?.aborted) throw stillLocked(error, this.#source.place, Math.round(triedAt - startedAt))
      try {
        return attempt()
      } catch (latest) {
        if (!isLocked(latest)) throw latest
        error = latest
        lasted = now() - triedAt
      }
    }
  }

  #throwIfClosed(): void {
    const { dictionary } = this.#source.place
    if (this.#closing.signal.aborted) throw new ClosedError(`Dictionary "${dictionary}" was closed.`, { dictionary })
  }
}
