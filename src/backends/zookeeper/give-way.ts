import { delay, now } from '../../time/clock.js'
import { onAbort } from '../../time/on-abort.js'

/** How many commits may follow each other without a pause: while others write, and at most. */
const FEWEST = 4
const MOST = 64

/** How long to give way, in times of a slow commit: another process must read the head, and send a write that arrives. */
const TIMES = 3

/** What remains of the time of a slow commit with each that is faster. */
const REMAINS = 0.9

/** The longest time to give way at once, in ms. */
const LONGEST = 150

/** How much of the time that a slow commit leaves of the time limit may be spent on giving way. */
const PART = 0.25

/**
 * Makes a process that writes without pause give way to others now and then. Each commit is planned from the one before it. The process
 * that made that one knows it at once, and the others must read it first. So one that never pauses would be faster each time.
 *
 * As long as nobody writes while it gives way, it does so ever more rarely.
 */
export class GiveWay {
  #allowed = FEWEST
  /** How many commits have followed each other. */
  #done = 0
  #endedAt = Number.NEGATIVE_INFINITY
  /** How long a slow commit takes. */
  #took = 0
  #version = ''
  #stop = () => {}
  readonly #timeout: number

  /**
   * @param timeout - the time limit of a write, in ms: giving way must not exceed it.
   */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /**
   * Waits before a commit if it is the turn of others, until one of them has written, but not for long. Returns whether it did.
   *
   * @param version - from which the commit is planned.
   */
  async before(version: string, signal: AbortSignal): Promise<boolean> {
    const left = this.#endedAt + this.#longest() - now()
    const isOthers = version !== this.#version
    if (isOthers) this.#allowed = FEWEST
    if (isOthers || left <= 0) this.#done = 0
    if (this.#done < this.#allowed) return false
    this.#done = 0
    this.#allowed = (await this.#wait(left, signal)) ? FEWEST : Math.min(this.#allowed * 2, MOST)
    return true
  }

  /**
   * Notes a commit that changed something.
   *
   * @param version - to which it has led.
   * @param sentAt - when it was sent, on the monotonic clock.
   */
  after(version: string, sentAt: number): void {
    this.#endedAt = now()
    this.#took = Math.max(this.#endedAt - sentAt, this.#took * REMAINS)
    this.#version = version
    this.#done += 1
  }

  /** Notes that the watch has reported a write. While this process waits, that is one of another process. */
  reported(): void {
    this.#stop()
  }

  /** How long to give way at most, in ms. */
  #longest(): number {
    return Math.min(LONGEST, TIMES * this.#took, PART * (this.#timeout - this.#took))
  }

  /** Returns whether another process has written meanwhile. */
  async #wait(ms: number, signal: AbortSignal): Promise<boolean> {
    let hasWritten = false
    const end = new AbortController()
    const forget = onAbort(signal, () => end.abort())
    this.#stop = () => {
      hasWritten = true
      end.abort()
    }
    await delay(ms, undefined, { signal: end.signal }).catch(() => {})
    forget()
    this.#stop = () => {}
    return hasWritten
  }
}
