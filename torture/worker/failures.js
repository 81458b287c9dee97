// @ts-check

/** How many causes of an error are named: the library's, the client's, and that of the socket. */
const DEPTH = 5

/** Why attempts failed: each reason once, with its causes and how often it occurred. */
export class Failures {
  /** @type {Map<string, number>} */
  #counts = new Map()

  /** @param {unknown} error */
  add(error) {
    const reason = reasonOf(error)
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  toString() {
    return [...this.#counts].map(([reason, count]) => `${count} times: ${reason}`).join('\n')
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  const reasons = []
  for (let one = error; one instanceof Error && reasons.length < DEPTH; one = one.cause) reasons.push(one.message)
  return reasons.join(' Because: ') || `${error}`
}
