import { clearTimeout, setImmediate, setTimeout } from '../../time/clock.js'

/** How often a connection of our own is asked for a sign of life, in ms. */
const EVERY = 500

/** How long it may be silent then, in ms. */
export const SILENCE = 2_500

/**
 * Notices that a connection of our own is silent: the network may drop packets without closing anything, for minutes. Its timers
 * do not hold the process.
 */
export class Pulse {
  readonly #ping: () => Promise<unknown> | undefined
  readonly #drop: () => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param ping - asks; nothing where the connection is not there.
   * @param drop - has the client give up the connection, and make another one.
   */
  constructor(ping: () => Promise<unknown> | undefined, drop: () => void) {
    this.#ping = ping
    this.#drop = drop
    this.#beat()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #beat(): void {
    this.#timer = setTimeout(() => void this.#check(), EVERY).unref()
  }

  async #check(): Promise<void> {
    const silent = await isSilent(this.#ping())
    if (this.#timer === undefined) return
    if (silent) this.#drop()
    this.#beat()
  }
}

function isSilent(answer: Promise<unknown> | undefined): Promise<boolean> {
  if (!answer) return Promise.resolve(false)
  return new Promise(resolve => {
    // A process that was stopped itself finds the answer waiting: it is read before the check phase.
    const timer = setTimeout(() => setImmediate(resolve, true), SILENCE).unref()
    const answered = () => {
      clearTimeout(timer)
      resolve(false)
    }
    answer.then(answered, answered)
  })
}

/** When a lost connection of our own is tried again, in ms: jittered, so that a fleet does not come back as one. */
export function reconnectAfter(retries: number): number {
  return Math.min(50 * 2 ** Math.min(retries, 5), 1_000) * (0.5 + Math.random() / 2)
}
