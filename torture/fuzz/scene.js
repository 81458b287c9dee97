// @ts-check

import { readFile } from 'node:fs/promises'
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
 * @property {(name: string) => string} fileOf the path of the last known file of a dictionary
 * @property {(bytes: Buffer) => Map<string, unknown>} parseFile
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

/** Cannot decode what another encoding wrote. */
class Tagged {
  name = 'TaggedEncoding'
  #inner

  /** @param {{ encode(value: unknown): string, decode(stored: string): unknown }} inner */
  constructor(inner) {
    this.#inner = inner
  }

  encode = (/** @type {unknown} */ value) => `tagged:${this.#inner.encode(value)}`

  decode = (/** @type {string} */ stored) => {
    if (!stored.startsWith('tagged:')) throw new Error('It is not tagged.')
    return this.#inner.decode(stored.slice(7))
  }
}

/** Keys have no particular order. @param {(Map<string, unknown> | object)[]} content */
export const sortedSource = content =>
  source(
    content.map(part =>
      [...(part instanceof Map ? part : Object.entries(part))].sort(([one], [other]) => (one < other ? -1 : 1)),
    ),
  )

/** What the calls of a program may use besides the dictionaries. */
export class Scene {
  /** @type {Watcher[]} */
  watchers = []
  /** @type {{ snapshot: any, text: string }[]} */
  kept = []
  /** @type {WeakMap<Dict, Map<string, any>>} */
  #derived = new WeakMap()
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
    this.TaggedEncoding = new Tagged(new place.library.RichEncoding())
    this.fileOf = place.fileOf
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

  /** A snapshot of which nothing may change any more. @param {Dict} dict */
  keep = async dict => {
    const snapshot = await dict.snapshot()
    const content = this.contentOf(snapshot)
    this.kept.push({ snapshot, text: sortedSource(content) })
    return content
  }

  /** A value computed from one key, the same object each time. @param {Dict} dict @param {string} key */
  derivedOf = (dict, key) => {
    const own = this.#derived.get(dict) ?? new Map()
    this.#derived.set(dict, own)
    if (!own.has(key))
      own.set(
        key,
        dict.derive(state => state.get(key), { keys: [key] }),
      )
    return own.get(key)
  }

  /** What the last known file of a dictionary holds. @param {string} name @returns {Promise<Map<string, unknown>>} */
  fileEntries = async name => this.#place.parseFile(await readFile(this.#place.fileOf(name)))

  /** The id of the commit that is this many before the newest. @param {Dict} dict @param {number} back */
  idAt = async (dict, back) => (await dict.history().toArray()).at(back)?.id ?? 'no-such-commit'

  /** @param {Dict} dict */
  servicesOf = async dict =>
    new Map((await dict.replicas()).map(({ service, live, maxStaleness }) => [service, [live, maxStaleness]]))

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
