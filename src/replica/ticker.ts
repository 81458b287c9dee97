import { clearTimeout, setTimeout } from '../time/clock.js'

/**
 * Calls functions at one interval, all in the same tick: clients that pipeline send the renewals of all their
 * dictionaries in one packet. Its timer does not keep the process alive.
 */
class Ticker {
  readonly #every: number
  readonly #calls = new Set<{ readonly call: () => void }>()
  #timer: NodeJS.Timeout | undefined

  constructor(every: number) {
    this.#every = every
  }

  add(call: () => void): () => void {
    const entry = { call }
    this.#calls.add(entry)
    this.#timer ??= this.#schedule()
    return () => this.#remove(entry)
  }

  #remove(entry: { readonly call: () => void }): void {
    this.#calls.delete(entry)
    if (this.#calls.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Jittered, so that the processes of a fleet do not renew at the same moment. */
  #schedule(): NodeJS.Timeout {
    const delay = this.#every * (0.9 + 0.1 * Math.random())
    const tick = () => {
      this.#timer = this.#schedule()
      for (const { call } of [...this.#calls]) call()
    }
    return setTimeout(tick, delay).unref()
  }
}

const tickers = new Map<number, Ticker>()

/** Calls it at this interval, in ms, or a little more often. Returns a function that ends that. */
export function tickEvery(every: number, call: () => void): () => void {
  const ticker = tickers.get(every) ?? new Ticker(every)
  tickers.set(every, ticker)
  return ticker.add(call)
}
