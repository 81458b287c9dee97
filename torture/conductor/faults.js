// @ts-check
/** @import { Recovery } from '../types.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** How soon a fault must be over, in ms: else whatever it waits for is stuck, and the run must not be. */
const ENDING = 120_000

/**
 * The faults of one scene: disasters and faults of the network occur side by side. Now and then they pause, and the time until
 * every session works again is measured.
 */
export class Faults {
  /** How often each kind occurred. @type {Map<string, number>} */
  counts = new Map()
  /** @type {Recovery[]} */
  recoveries = []
  /** @type {Set<Promise<unknown>>} */
  #present = new Set()
  #latest = ''
  /** While the recovery is measured, no fault begins. @type {Promise<unknown> | undefined} */
  #measuring
  #recover
  #bound

  /** @param {() => Promise<number>} recover heals everything; resolves with the time, in ms, until every session works @param {number} bound */
  constructor(recover, bound) {
    this.#recover = recover
    this.#bound = bound
  }

  /** @param {string} kind @param {() => Promise<unknown>} work over when it resolves */
  async cause(kind, work) {
    while (this.#measuring) await this.#measuring
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    const present = Promise.race([work(), stuck(kind)])
    this.#present.add(present)
    await present.finally(() => this.#present.delete(present))
    this.#latest = kind
  }

  /** Measures the recovery from the fault that ended last. Does nothing if that is in progress. */
  async recover() {
    if (this.#measuring) return
    this.#measuring = this.#measure()
    await this.#measuring.finally(() => {
      this.#measuring = undefined
    })
  }

  async #measure() {
    await Promise.allSettled(this.#present)
    const ms = await this.#recover()
    this.recoveries.push({ kind: this.#latest, ms, bound: this.#bound })
  }
}

/** @param {string} kind @returns {Promise<never>} */
async function stuck(kind) {
  await pause(ENDING, undefined, { ref: false })
  throw new Error(`"${kind}" did not end within ${ENDING / 1_000} s.`)
}
