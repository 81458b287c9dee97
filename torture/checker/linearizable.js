// @ts-check
/** @import { Step } from './steps.js' */
import { Pending } from './pending.js'
import { ANY, KEEP, PRESENT } from './steps.js'

/** The most states to visit for one key. */
const BUDGET = 200_000

/**
 * @typedef {object} Verdict
 * @property {'yes' | 'no' | 'undecided'} answer
 * @property {Step[]} stuck if the answer is no: the possible next steps after the longest explanation found
 */

/**
 * Searches for an order of the steps that explains all of them: each takes effect within its time, on the state that
 * the previous one left. The search remembers visited states (Wing and Gong, "Testing and verifying concurrent
 * objects", 1993; Lowe, "Testing for linearizability", 2017). Reads from memory within a bound may be explained by an
 * earlier time, but not by one before a write that was everywhere when they began.
 * @param {readonly Step[]} steps
 * @param {(write: Step, read: Step) => boolean} [excused] whether the read need not see that write although it was
 * everywhere
 * @returns {Verdict}
 */
export function linearizable(steps, excused = () => false) {
  const inOrder = [...steps].sort((left, right) => left.from - right.from)
  return new Search(inOrder, excused).run()
}

/** @param {Step} step @param {string | undefined} state */
function fits({ expects }, state) {
  if (expects === ANY) return true
  return expects === PRESENT ? state !== undefined : expects === state
}

/** @param {Step} step */
const expectsValue = ({ expects, optional }) => !optional && expects !== ANY && expects !== PRESENT

/** Counts things by their key. @extends {Map<unknown, number>} */
class Tally extends Map {
  /** @param {unknown} what @param {number} by */
  add(what, by) {
    this.set(what, this.of(what) + by)
  }

  /** @param {unknown} what @returns {number} */
  of(what) {
    return this.get(what) ?? 0
  }
}

/** One state of the search: the steps taken so far, and the possible next ones, the best last. */
/** @typedef {{ taken: number[], choices: number[] }} Frame */

class Search {
  #steps
  #excused
  #pending
  #longest
  /** The time by which each step should have taken effect, for the steps that find its value. */
  #due
  #left
  /** How many remaining required steps expect a value, and how many steps leave it. */
  #expecting = new Tally()
  #leaving = new Tally()
  /** @type {Set<string>} */
  #tried = new Set()
  #fewest = Number.POSITIVE_INFINITY
  /** @type {Step[]} */
  #stuck = []

  /** @param {readonly Step[]} steps in order of `from` @param {(write: Step, read: Step) => boolean} excused */
  constructor(steps, excused) {
    this.#steps = steps
    this.#excused = excused
    this.#pending = new Pending(steps.length)
    this.#longest = Math.max(0, ...steps.map(({ bound }) => bound))
    this.#left = steps.filter(({ optional }) => !optional).length
    this.#due = dueTimes(steps)
    for (const step of steps) this.#count(step, 1)
  }

  /** @returns {Verdict} */
  run() {
    const found = this.#explain()
    if (found) return { answer: 'yes', stuck: [] }
    return { answer: this.#tried.size < BUDGET ? 'no' : 'undecided', stuck: this.#stuck }
  }

  /** Depth first, with an explicit stack: histories are longer than the call stack. */
  #explain() {
    /** @type {Frame[]} */
    const stack = [this.#enter(undefined)]
    while (this.#left > 0 && this.#tried.size < BUDGET) {
      const top = stack.at(-1)
      if (top === undefined) return false
      const index = top.choices.pop()
      if (index === undefined) {
        stack.pop()
        for (const taken of top.taken.reverse()) this.#putBack(taken)
        continue
      }
      this.#take(index)
      const frame = this.#enter(/** @type {string | undefined} */ (this.#step(index).leaves))
      frame.taken.unshift(index)
      stack.push(frame)
    }
    return this.#left === 0
  }

  /** @param {string | undefined} state @returns {Frame} */
  #enter(state) {
    const taken = this.#takeReads(state)
    const choices = this.#left > 0 && this.#isNew(state) ? this.#choices(state) : []
    this.#note()
    return { taken, choices }
  }

  /** Steps that change nothing are best taken at once. @param {string | undefined} state */
  #takeReads(state) {
    const taken = []
    for (let before = -1; before < taken.length; ) {
      before = taken.length
      for (const index of this.#eligible()) {
        const step = this.#step(index)
        if (step.leaves !== KEEP || !fits(step, state)) continue
        this.#take(index)
        taken.push(index)
      }
    }
    return taken
  }

  /** The steps that could take effect next and change the state. @param {string | undefined} state */
  #choices(state) {
    const wanted = this.#expecting.of(state)
    const comesAgain = this.#leaving.of(state) > 0
    let removal = false
    const choices = this.#eligible().filter(index => {
      const step = this.#step(index)
      if (step.leaves === KEEP || !fits(step, state)) return false
      // A value that others still have to find must not be overwritten, unless it comes again.
      const own = expectsValue(step) && step.expects === state ? 1 : 0
      if (wanted > own && !comesAgain && step.leaves !== state) return false
      if (!isOptionalRemoval(step)) return true
      // Of steps with the same effect, only the earliest needs to be tried.
      const isFirst = !removal
      removal = true
      return isFirst
    })
    return choices.sort((left, right) => this.#dueAt(right) - this.#dueAt(left))
  }

  /** The steps that no remaining one must precede. */
  #eligible() {
    const { soonest, everywhere } = this.#limits()
    const found = []
    for (const index of this.#pending) {
      const step = this.#step(index)
      if (step.from > soonest) break
      const misses = everywhere.some(write => write.end < step.begin && !this.#excused(write, step))
      if (!misses) found.push(index)
    }
    return found
  }

  /** The earliest end of a remaining step, and the remaining writes that were everywhere at their end. */
  #limits() {
    let soonest = Number.POSITIVE_INFINITY
    const everywhere = []
    for (const index of this.#pending) {
      const step = this.#step(index)
      if (step.from > soonest + this.#longest) break
      if (step.optional) continue
      soonest = Math.min(soonest, step.end)
      if (step.everywhere) everywhere.push(step)
    }
    return { soonest, everywhere }
  }

  /** Whether this state was not reached by the same steps before. @param {string | undefined} state */
  #isNew(state) {
    const name = `${this.#pending.name()} ${state}`
    if (this.#tried.has(name)) return false
    this.#tried.add(name)
    return true
  }

  /** Records where the longest explanation ended. */
  #note() {
    if (this.#left >= this.#fewest) return
    this.#fewest = this.#left
    this.#stuck = this.#eligible().map(index => this.#step(index))
  }

  /** @param {number} index */
  #step(index) {
    return /** @type {Step} */ (this.#steps[index])
  }

  /** @param {number} index */
  #dueAt(index) {
    return /** @type {number} */ (this.#due[index])
  }

  /** @param {number} index */
  #take(index) {
    this.#pending.take(index)
    this.#count(this.#step(index), -1)
    if (!this.#step(index).optional) this.#left -= 1
  }

  /** @param {number} index */
  #putBack(index) {
    this.#pending.putBack(index)
    this.#count(this.#step(index), 1)
    if (!this.#step(index).optional) this.#left += 1
  }

  /** @param {Step} step @param {number} by */
  #count(step, by) {
    if (expectsValue(step)) this.#expecting.add(step.expects, by)
    if (step.leaves !== KEEP) this.#leaving.add(step.leaves, by)
  }
}

/** @param {Step} step */
const isOptionalRemoval = ({ optional, expects, leaves }) => optional && expects === PRESENT && leaves === undefined

/** Its end, or the first end of the steps that find its value. @param {readonly Step[]} steps */
function dueTimes(steps) {
  /** @type {Map<unknown, number>} */
  const found = new Map()
  for (const step of steps) {
    if (expectsValue(step)) found.set(step.expects, Math.min(step.end, found.get(step.expects) ?? Infinity))
  }
  // Large instead of infinite, so that times can be subtracted.
  return steps.map(({ end, leaves }) => Math.min(end, found.get(leaves) ?? Infinity, Number.MAX_SAFE_INTEGER))
}
