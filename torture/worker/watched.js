// @ts-check
/** @import { DurableDict } from '../../dist/index.js' */

/** What `watch()` yields, applied to a copy of the memory at the beginning: the copy must follow the memory, change by change. */
export class Watched {
  #copy
  #dict
  #fault

  /** @param {DurableDict<Record<string, string>>} dict @param {(text: string) => void} fault */
  constructor(dict, fault) {
    this.#dict = dict
    this.#fault = fault
    this.#copy = new Map(dict.local)
    this.#follow().catch(error => fault(`watch() rejected: ${error.stack}`))
  }

  /** Compares the copy with the memory, when every change has been consumed. */
  async compare() {
    await new Promise(resolve => setImmediate(resolve))
    const { local } = this.#dict
    const keys = new Set([...local.keys(), ...this.#copy.keys()])
    const [key] = [...keys].filter(one => local.get(one) !== this.#copy.get(one))
    if (key !== undefined) {
      this.#fault(`memory has ${key} ${local.get(key)}; the latest change yielded ${this.#copy.get(key)}`)
    }
  }

  async #follow() {
    for await (const { key, value, previous } of this.#dict.watch()) {
      const before = this.#copy.get(key)
      if (previous !== before) this.#fault(`a change of ${key} from ${previous} was yielded after one to ${before}`)
      if (value === undefined) this.#copy.delete(key)
      else this.#copy.set(key, value)
    }
  }
}
