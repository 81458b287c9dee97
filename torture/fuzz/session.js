// @ts-check
/** @import { Call } from './calls/call.js' */
/** @import { Common, Outcome, Place as CallPlace, Slot } from './expect.js' */
/** @import { Made, Options, Program, Step } from './program.js' */
/** @import { Dict, Place } from './scene.js' */

import { inspect } from 'node:util'
import { failed, STOP } from './expect.js'
import { finish } from './finish.js'
import { checkFrozen, compiled, NAMES, shown, Violation } from './outcomes.js'
import { CALLS, callSource, firstSource, openSource } from './program.js'
import { Scene } from './scene.js'
import { source } from './source.js'
import { OLD } from './values.js'
import { same, World } from './world.js'

/** No call of a healthy store takes as long, in ms. */
const PATIENCE = 20_000

/** So many explanations are followed at most. */
const MAX_WORLDS = 200

/** A dictionary while a program runs. @typedef {Slot & { dict: Dict, events: Events, wasClosedSoon?: boolean }} Opened */

/** The changes and other events of a dictionary since it was opened. */
class Events {
  /** @type {import('./scene.js').Change[]} */
  changes = []
  closes = 0
  /** @type {string[]} */
  reasons = []

  /** @param {Dict} dict */
  constructor(dict) {
    this.start = new Map(dict.local)
    dict.on('change', change => this.changes.push(change))
    dict.on('sync', ({ reason }) => this.reasons.push(reason))
    dict.on('close', () => {
      this.closes += 1
    })
  }
}

/** One run of a program: every call is compared with what the worlds allow. */
export class Session {
  /** Every explanation of what was seen. */
  worlds = [World.empty()]
  /** @type {Map<string, Opened>} */
  slots = new Map()
  /** Also those that were closed and opened again. @type {Opened[]} */
  opened = []
  /** Whether an author was removed from the history. */
  hasForgotten = false
  /** Whether a write everywhere may still make a change that only asks. */
  #hasAsked = false
  /** @type {Map<unknown, string>} */
  #contents = new Map()

  /** @param {Place} place @param {Common} common */
  constructor(place, common) {
    this.common = common
    this.scene = new Scene(place)
  }

  /** @param {Place} place @param {Program} program @throws Violation */
  static async run(place, { common, first, steps }) {
    const session = new Session(place, common)
    try {
      if (common.migrates) await session.#begin()
      for (const [index, options] of first.entries()) {
        await session.#open(/** @type {string} */ (['a', 'b'][index]), options, 'never')
      }
      for (const step of steps) await session.#perform(step)
      await finish(session)
    } finally {
      await Promise.all(session.opened.map(({ dict }) => dict.close().catch(() => {})))
    }
  }

  /** Entries in the old encoding. */
  async #begin() {
    await this.#evaluate(firstSource(this.common))
    this.worlds = this.worlds.map(world => world.commit(edit => edit.setAll(OLD), {}, performance.now()))
  }

  /** @param {Step} step */
  async #perform(step) {
    if ('calls' in step)
      await this.#call(step.calls.filter(({ dict, other = dict }) => this.slots.has(dict) && this.slots.has(other)))
    else if (!this.slots.get(step.open)?.open) await this.#open(step.open, step.options, step.abort)
    for (const { dict } of this.slots.values()) this.#checkContent(dict)
  }

  /** The same version has the same content in every dictionary. @param {Dict} dict */
  #checkContent(dict) {
    const content = source([...dict.local].sort(([left], [right]) => (left < right ? -1 : 1)))
    const known = this.#contents.get(dict.version) ?? content
    if (known !== content) throw new Violation(`One version has two contents: ${known} and ${content}`)
    this.#contents.set(dict.version, content)
    for (const key of ['a', 'b']) {
      if (!same(this.scene.derivedOf(dict, key).current, dict.local.get(key)))
        throw new Violation(
          `A value derived from ${key} is outdated: ${source(this.scene.derivedOf(dict, key).current)}`,
        )
    }
  }

  // Opening.

  /** @param {string} name @param {Options} own @param {'never' | 'before' | 'during'} abort */
  async #open(name, own, abort) {
    const code = openSource(this.common, name, own)
    const opening = await this.settle(
      this.#start(abort === 'before' ? early(code) : code, abort === 'during' ? name : undefined),
    )
    const wanted = faultsOfOpening(own, abort)
    if (wanted.length > 0) {
      if (!wanted.some(fault => failed(opening, fault)))
        throw new Violation(`${code} must reject with ${wanted.join(' or ')}: ${shown(opening)}`)
      return
    }
    if ('error' in opening) throw new Violation(`${code} rejected: ${shown(opening)}`)
    const dict = /** @type {Dict} */ (opening.value)
    const slot = { ...slotOf(name, own), dict, events: new Events(dict) }
    this.slots.set(name, slot)
    this.opened.push(slot)
    this.worlds = this.worlds.map(world => world.current(name).remember(name, { everywhere: 0 }))
  }

  /** @param {string} code @param {string} [aborted] */
  #start(code, aborted) {
    const running = this.#evaluate(code)
    if (aborted) this.scene.abort(aborted)
    return running
  }

  // Calls.

  /** @param {readonly Made[]} calls */
  async #call(calls) {
    if (calls.length === 0) return
    const began = performance.now()
    const codes = calls.map(callSource)
    const outcomes = await Promise.all(codes.map(code => this.settle(this.#evaluate(code))))
    const ended = performance.now()
    const slots = [...this.slots.values()]
    const places = calls.map(({ dict, view, call }) => ({
      common: this.common,
      slot: /** @type {Opened} */ (this.slots.get(dict)),
      slots,
      began,
      ended,
      isGroup: calls.length > 1,
      hasAsked: this.#hasAsked || this.common.migrates,
      isClosing:
        calls.some(other => other.call === 'close' && other.dict === dict) && this.slots.get(dict)?.open === true,
      view: CALLS.get(call)?.alone ? {} : view,
    }))
    this.worlds = this.#explain(calls, places, outcomes)
    if (this.worlds.length === 0)
      throw new Violation(
        codes.map((code, index) => `${code} → ${shown(/** @type {Outcome} */ (outcomes[index]))}`).join('\n'),
      )
    for (const [index, outcome] of outcomes.entries()) checkFrozen(/** @type {string} */ (codes[index]), outcome)
    this.#hasAsked ||= calls.some(({ everywhere }) => everywhere)
    this.hasForgotten ||= calls.some(({ call }) => call === 'forget')
    for (const { call, dict } of calls) if (call === 'close') /** @type {Opened} */ (this.slots.get(dict)).open = false
  }

  /** The worlds in which some order of the calls has these outcomes. @param {readonly Made[]} calls @param {readonly CallPlace[]} places @param {readonly Outcome[]} outcomes */
  #explain(calls, places, outcomes) {
    /** @type {Map<string, World>} */
    const found = new Map()
    for (const order of permutations(calls.map((_, index) => index))) {
      const worlds = order.reduce(
        (worlds, index) =>
          worlds.flatMap(world =>
            specOf(calls[index]).spec(
              world,
              calls[index],
              /** @type {CallPlace} */ (places[index]),
              /** @type {Outcome} */ (outcomes[index]),
            ),
          ),
        this.worlds,
      )
      for (const world of worlds) if (found.size < MAX_WORLDS) found.set(world.fingerprint, world)
    }
    return [...found.values()]
  }

  /** Runs an expression with the dictionaries and the scene in scope. @param {string} code @returns {Promise<unknown>} */
  #evaluate(code) {
    const dicts = Object.fromEntries(Array.from(this.slots.values(), ({ name, dict }) => [name, dict]))
    const inScope = /** @type {Record<string, unknown>} */ ({ ...this.scene, ...dicts, source, inspect })
    return compiled(code)(...NAMES.map(name => inScope[name]))
  }

  /** @param {Promise<unknown>} running @returns {Promise<Outcome>} */
  async settle(running) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Violation(`It did not end within ${PATIENCE} ms.`)), PATIENCE)
    })
    try {
      return { value: await Promise.race([running, late]) }
    } catch (error) {
      return { error: /** @type {Error} */ (error) }
    } finally {
      clearTimeout(timer)
    }
  }
}

/** @param {Made | undefined} made */
const specOf = made => /** @type {Call} */ (CALLS.get(/** @type {Made} */ (made).call))

/** The same, with a signal that was aborted before. @param {string} code */
const early = code =>
  code
    .replace('{ ', "{ signal: AbortSignal.abort(new Error('stop')), ")
    .replace('{  }', "{ signal: AbortSignal.abort(new Error('stop')) }")

/** The errors with one of which opening rejects. @param {Options} own @param {'never' | 'before' | 'during'} abort */
function faultsOfOpening({ readOnly, maxStaleness }, abort) {
  const refused = readOnly && maxStaleness !== undefined ? ['UnsupportedError'] : []
  return abort === 'never' ? refused : [STOP, ...refused]
}

/** @param {string} name @param {Options} own */
function slotOf(
  name,
  { autosync = true, lastKnown, live, maxStaleness, resyncEvery, readOnly = false, replicas = true, by },
) {
  const moves = live || maxStaleness !== undefined || resyncEvery !== undefined
  const isListed = !readOnly && replicas
  return {
    name,
    open: true,
    checks: autosync,
    moves: Boolean(moves),
    bound: maxStaleness,
    live: live === true,
    keepsFile: lastKnown === true,
    compares: resyncEvery !== undefined,
    readOnly,
    by,
    isListed,
  }
}

/** @template V @param {readonly V[]} list @returns {V[][]} */
function permutations(list) {
  if (list.length <= 1) return [[...list]]
  return list.flatMap((one, index) => permutations(list.toSpliced(index, 1)).map(rest => [one, ...rest]))
}
