import { clearTimeout, setTimeout } from '../time/clock.js'
/** Repeats a comparison in the background, with jitter. Its timer does not keep the process alive. */
export class ResyncTimer {
  readonly #every: number
  readonly #resync: () => Promise<void>
  readonly #onFault: (cause: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(every: number, resync: () => Promise<void>, onFault: (cause: unknown) => void) {
    this.#every = every
    this.#resync = resync
    this.#onFault = onFault
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    const delay = this.#every * (0.9 + 0.2 * Math.random())
    this.#timer = setTimeout(async () => {
      await this.#resync().catch(cause => {
        if (!this.#stopped) this.#onFault(cause)
      })
      if (!this.#stopped) this.#schedule()
    }, delay).unref()
  }
}
