// @ts-check

/** The indices from 0 to n - 1 that are not taken yet, in order; the last one taken is put back first. */
export class Pending {
  #next
  #previous
  /** The highest index taken so far, after each step. */
  #highest = [-1]

  /** @param {number} size */
  constructor(size) {
    this.size = size
    // The last element is the anchor of the ring.
    this.#next = Int32Array.from({ length: size + 1 }, (_, index) => (index === size ? 0 : index + 1))
    this.#previous = Int32Array.from({ length: size + 1 }, (_, index) => (index === 0 ? size : index - 1))
  }

  /** @returns {Generator<number, void>} */
  *[Symbol.iterator]() {
    for (let index = this.#at(this.#next, this.size); index < this.size; index = this.#at(this.#next, index))
      yield index
  }

  /** @param {number} index */
  take(index) {
    this.#next[this.#at(this.#previous, index)] = this.#at(this.#next, index)
    this.#previous[this.#at(this.#next, index)] = this.#at(this.#previous, index)
    this.#highest.push(Math.max(index, this.#highest.at(-1) ?? -1))
  }

  /** @param {number} index the last one taken */
  putBack(index) {
    this.#next[this.#at(this.#previous, index)] = index
    this.#previous[this.#at(this.#next, index)] = index
    this.#highest.pop()
  }

  /** Identifies the set of taken indices. */
  name() {
    const highest = this.#highest.at(-1) ?? -1
    const left = []
    for (const index of this) {
      if (index > highest) break
      left.push(index)
    }
    return `${highest}-${left}`
  }

  /** @param {Int32Array} links @param {number} index */
  #at(links, index) {
    return /** @type {number} */ (links[index])
  }
}
