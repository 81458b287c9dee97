// @ts-check
/** @import { FaultProxy } from './proxy.js' */

/** The proxies of one process, as one: it may be connected through any of them. */
export class Proxies {
  #all

  /** @param {readonly FaultProxy[]} all */
  constructor(all) {
    this.#all = all
  }

  get links() {
    return this.#all.flatMap(({ links }) => links)
  }

  /** @param {number} ms */
  delay(ms) {
    for (const proxy of this.#all) proxy.delay(ms)
  }

  /** Holds back the answers of all servers until `release`. Resolves when there is one: it is executed then. */
  async holdAnswers() {
    await Promise.race(this.links.map(link => link.holdAnswers()))
  }

  /** Returns how to deliver the answers that are held back now, and none that come later. */
  answersSoFar() {
    const parts = this.links.map(link => link.answersSoFar())
    return () => {
      for (const deliver of parts) deliver()
    }
  }

  release() {
    for (const proxy of this.#all) proxy.release()
  }

  /** @param {boolean} on */
  refuse(on) {
    for (const proxy of this.#all) proxy.refuse(on)
  }

  /** Nothing is forwarded until `heal`. */
  halfOpen() {
    for (const proxy of this.#all) proxy.halfOpen()
  }

  heal() {
    for (const proxy of this.#all) proxy.heal()
  }
}
