// @ts-check

/** Random numbers, the same for the same seed (xorshift32 over a hash of the seed). */
export class Random {
  #state

  /** @param {string | number} seed */
  constructor(seed) {
    let hash = 2166136261
    for (const character of `${seed}`) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619)
    this.#state = hash | 0 || 1
    for (let warm = 0; warm < 8; warm += 1) this.next()
  }

  /** From 0 to below 1. */
  next() {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) / 2 ** 32
  }

  /** A whole number. @param {number} least @param {number} most */
  between(least, most) {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** @param {number} odds */
  chance(odds) {
    return this.next() < odds
  }

  /** @template V @param {readonly V[]} list @returns {V} */
  pick(list) {
    return /** @type {V} */ (list[Math.floor(this.next() * list.length)])
  }

  /**
   * One of the things, with the probability of its weight. @template V @param {readonly (readonly [weight: number,
   * thing: V])[]} list @returns {V}
   */
  weighted(list) {
    let left = this.next() * list.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, thing] of list) {
      left -= weight
      if (left < 0) return thing
    }
    return /** @type {readonly [number, V]} */ (list.at(-1))[1]
  }
}
