import { clearTimeout, setImmediate, setTimeout } from '../../time/clock.js'

/** How often a connection of the library is pinged, in ms. */
const EVERY = 500

/** How long it may then stay silent, in ms. */
export const SILENCE = 2_500

/**
 * Detects a silent connection: a network may drop packets for minutes without closing it. The timers do not keep the
 * process alive.
 */
export class Pulse {
  readonly #ping: () => Promise<unknown> | undefined
  readonly #drop: () => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param ping - sends a ping; returns `undefined` if there is no connection.
   * @param drop - makes the client drop the connection and open another one.
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
    // After this process itself was paused, the answer may already be waiting: it is read before the check phase.
    const timer = setTimeout(() => setImmediate(resolve, true), SILENCE).unref()
    const answered = () => {
      clearTimeout(timer)
      resolve(false)
    }
    answer.then(answered, answered)
  })
}

/**
 * Returns the wait before a lost connection of the library is reopened, in ms, with jitter so that a fleet does not
 * reconnect all at once.
 */
export function reconnectAfter(retries: number): number {
  return Math.min(50 * 2 ** Math.min(retries, 5), 1_000) * (0.5 + Math.random() / 2)
}
