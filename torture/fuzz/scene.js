// @ts-check

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { source } from './source.js'
import { REFUSED } from './values.js'

/** @typedef {import('../../dist/index.js').DurableDict<Record<string, unknown>>} Dict */

/** @typedef {import('../../dist/index.js').Change} Change */

/**
 * The built library, and one empty store.
 * @typedef {object} Place
 * @property {typeof import('../../dist/index.js')} library
 * @property {(options: any) => Promise<Dict>} open
 * @property {() => Promise<void>} dispose
 */

/** @param {string} dist @returns {Promise<typeof import('../../dist/index.js')>} */
export const libraryIn = dist => import(pathToFileURL(join(dist, 'index.js')).href)

/** A schema that accepts everything but one value. */
const schema = {
  '~standard': {
    version: /** @type {const} */ (1),
    vendor: 'fuzz',
    validate: (/** @type {unknown} */ value) => (value === REFUSED ? { issues: [{ message: 'refused' }] } : { value }),
  },
}

/** One run of a watcher, until it ends. */
class Watcher {
  /** @type {Change[]} */
  changes = []
  /** @type {unknown} */
  fault
  isCut = false
  isBreaking = false

  /** @param {Dict} dict @param {string | undefined} key */
  constructor(dict, key) {
    this.dict = dict
    this.key = key
    this.start = new Map(dict.local)
    this.controller = new AbortController()
    this.stream = dict.watch({ ...(key !== undefined && { key }), signal: this.controller.signal })
    this.done = this.#follow()
  }

  async #follow() {
    try {
      for await (const change of this.stream) {
        this.changes.push(change)
        if (this.isBreaking) break
      }
    } catch (error) {
      this.fault = error
    }
  }

  /** @param {string} how */
  async end(how) {
    this.isCut = true
    if (how === 'break') this.isBreaking = true
    else {
      if (how === 'abort') this.controller.abort()
      else await this.stream.return?.()
      await this.done
    }
  }
}

/** What the calls of a program may use besides the dictionaries. */
export class Scene {
  /** @type {Watcher[]} */
  watchers = []
  /** @type {Map<string, AbortController>} */
  #signals = new Map()
  /** @type {Map<string, Watcher>} */
  #named = new Map()
  #place

  /** @param {Place} place */
  constructor(place) {
    this.#place = place
    const { JSONEncoding, RichEncoding } = place.library
    this.JSONEncoding = JSONEncoding
    this.RichEncoding = RichEncoding
    this.one = schema
    this.record = { a: schema, b: schema, d: schema }
    this.source = source
  }

  /** Opens a dictionary whose signal `abort` aborts. @param {string} name @param {object} options */
  open = (name, options) => {
    const controller = new AbortController()
    this.#signals.set(name, controller)
    return this.#place.open({ signal: controller.signal, service: name, ...options })
  }

  /** @param {string} name */
  abort = name => {
    this.#signals.get(name)?.abort(new Error('stop'))
  }

  /** @param {Dict} dict @param {string} name @param {{ key?: string }} [options] */
  watch = (dict, name, { key } = {}) => {
    const watcher = new Watcher(dict, key)
    this.watchers.push(watcher)
    this.#named.set(name, watcher)
  }

  /** @param {Dict} _dict @param {string} name @param {string} how */
  unwatch = async (_dict, name, how) => {
    await this.#named.get(name)?.end(how)
  }

  /** @param {AsyncIterable<any>} iterable */
  collect = async iterable => {
    const items = []
    for await (const item of iterable) items.push(item)
    return items
  }

  /** Every way to read a view. @param {any} view */
  contentOf = view => {
    const content = new Map(view)
    const visited = new Map()
    view.forEach((/** @type {unknown} */ value, /** @type {string} */ key) => {
      visited.set(key, value)
    })
    const pairs = new Map([...view.keys()].map((key, index) => [key, [...view.values()][index]]))
    const texts = [content, visited, pairs].map(map => source([...map]))
    if (new Set(texts).size > 1 || view.size !== content.size)
      throw new Error(`The view disagrees with itself: ${texts.join('; ')}`)
    return [content, { ...view.toObject() }]
  }

  /** @param {{ toArray(): Promise<any[]> }} stream */
  commitsOf = async stream => {
    const commits = await stream.toArray()
    return commits.map(({ by, reason, changes }) => ({
      by,
      reason,
      changes: new Map(changes.map((/** @type {any} */ { key, before, after }) => [key, { before, after }])),
    }))
  }

  /** The id of the commit that is this many before the newest. @param {Dict} dict @param {number} back */
  idAt = async (dict, back) => (await dict.history().toArray()).at(back)?.id ?? 'no-such-commit'

  /** @param {Dict} dict */
  servicesOf = async dict => new Set((await dict.replicas()).map(({ service }) => service))

  /** A transaction whose function has ended. @param {Dict} dict */
  leak = async dict => {
    /** @type {any} */
    let leaked
    await dict.transact(tx => {
      leaked = tx
    })
    return leaked
  }
}
