// @ts-check
/** @import { DurableDict } from '../../dist/index.js' */
/** @import { Channel } from './stores/lossy.js' */
/** @import { Journal } from './journal.js' */
import { digest } from '../digest.js'
import { now } from './journal.js'
import { Watched } from './watched.js'

/** Errors that the library allows while its store is unreachable. */
const ALLOWED = ['DURABLEDICT_STORE_UNAVAILABLE', 'DURABLEDICT_AMBIGUOUS_WRITE', 'DURABLEDICT_CONFLICT']

/** @typedef {{ everywhere?: boolean }} WriteOptions */

/**
 * One dictionary of this process. It records everything: before a write begins, and after each call. The id of a write is its
 * author in the store's history.
 */
export class Session {
  #count = 0
  /** What the latest call failed with. */
  #latest = ''
  /** The calls in progress, by when they began. @type {Map<symbol, { what: string, at: number }>} */
  #pending = new Map()
  #watched
  #syncs = { changes: 0, loaded: 0, diverged: 0 }

  /**
   * @param {string} name never used twice
   * @param {DurableDict<Record<string, string>>} dict
   * @param {import('../worker.js').SessionPlan['options']} options
   * @param {Journal} journal
   * @param {Channel} channel of its pushed messages
   */
  constructor(name, dict, options, journal, channel) {
    this.name = name
    this.dict = dict
    this.options = options
    this.journal = journal
    this.channel = channel
    journal.write({ t: 'open', s: name, at: now() })
    this.#watched = new Watched(dict, text => journal.write({ t: 'watch', text: `${name}: ${text}` }))
    dict.on('sync', ({ reason }) => {
      this.#syncs[reason] += 1
      if (reason !== 'changes') journal.write({ t: 'sync', s: name, at: now(), reason })
    })
  }

  /** What it waits for, in one line. */
  explain() {
    const calls = [...this.#pending.values()].map(({ what, at }) => `${what} for ${Math.round(now() - at)} ms`)
    return `${this.name} has version ${this.dict.version}, waits for ${calls.join(', ') || 'nothing'}, and failed with ${this.#latest || 'nothing'}`
  }

  /** Notes what is in progress. @template V @param {string} what @param {Promise<V>} call @returns {Promise<V>} */
  #during(what, call) {
    const id = Symbol(what)
    this.#pending.set(id, { what, at: now() })
    return call.finally(() => this.#pending.delete(id))
  }

  /** Whether its checked reads are sequentially consistent only. */
  get isSequential() {
    const { consistency, maxStaleness } = this.options
    return consistency === 'sequential' && maxStaleness === undefined
  }

  /** A value that no one else writes. */
  unique() {
    this.#count += 1
    return `${this.#count}|${this.name}`
  }

  /** @param {string} key @param {WriteOptions} [options] */
  set(key, options) {
    const value = this.unique()
    return this.#write({ kind: 'set', k: key, v: value, ...options }, by =>
      this.dict.set(key, value, { ...options, by }),
    )
  }

  /** Sets the key, again and again until that is acknowledged. @param {string} key */
  async insist(key) {
    while (!(await this.set(key))) await new Promise(resolve => setTimeout(resolve, 5))
  }

  /** Resolves when memory has the key: live memory by itself, other memory after a check. @param {string} key */
  follow(key) {
    return this.#during(`memory with ${key}`, this.#follow(key))
  }

  /** @param {string} key */
  async #follow(key) {
    if (this.options.live) return this.#until(() => this.dict.local.has(key))
    while (!this.dict.local.has(key)) {
      await new Promise(resolve => setTimeout(resolve, 5))
      await this.sync()
    }
  }

  /** Resolves when live memory has a version of this number, or after so many ms. @param {number} number @param {number} ms */
  async reach(number, ms) {
    const late = new Promise(resolve => setTimeout(resolve, ms).unref())
    if (this.options.live)
      await Promise.race([late, this.#until(() => Number.parseInt(`${this.dict.version}`, 10) === number)])
  }

  /** Resolves when it holds of the memory. @param {() => boolean} holds @returns {Promise<void>} */
  #until(holds) {
    return new Promise(resolve => {
      const look = () => {
        if (!holds()) return
        this.dict.off('sync', look)
        resolve()
      }
      this.dict.on('sync', look)
      look()
    })
  }

  /** @param {string} key */
  delete(key) {
    return this.#write({ kind: 'delete', k: key }, by => this.dict.delete(key, { by }))
  }

  /** @param {string} key */
  pop(key) {
    return this.#write({ kind: 'pop', k: key }, by => this.dict.pop(key, undefined, { by }))
  }

  /** @param {string} key */
  setDefault(key) {
    const value = this.unique()
    return this.#write({ kind: 'setDefault', k: key, v: value }, by => this.dict.setDefault(key, value, { by }))
  }

  /** Adds 1 to the number that the value begins with. @param {string} key @param {number} [pause] how long it takes, in ms */
  increment(key, pause = 0) {
    return this.#write({ kind: 'transact', k: key }, by =>
      this.dict.transact(
        async tx => {
          const expected = tx.get(key)
          const value = `${Number.parseInt(expected ?? '0', 10) + 1}|${this.unique()}`
          this.journal.write({ t: 'try', i: by, x: expected, v: value })
          if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
          tx.set(key, value)
        },
        { by },
      ),
    )
  }

  /** Writes both halves of a pair. @param {string} key */
  updatePair(key) {
    const value = this.unique()
    const write = { kind: 'update', k: `${key}:left`, also: `${key}:right`, v: value }
    return this.#write(write, by => this.dict.update({ [`${key}:left`]: value, [`${key}:right`]: value }, { by }))
  }

  /** A read in the dictionary's mode. @param {string} key */
  async get(key) {
    const { autosync = true, maxStaleness } = this.options
    if (!autosync) return this.local(key)
    if (this.isSequential) return this.#readInOrder(key)
    return this.#read(key, maxStaleness, () => this.dict.get(key))
  }

  /** @param {string} key */
  fresh(key) {
    return this.#readNow(key)
  }

  /** @param {string} key */
  local(key) {
    const value = this.dict.local.get(key)
    this.journal.write({ t: 'local', s: this.name, at: now(), k: key, r: value, version: this.dict.version })
    return value
  }

  /** @param {string} key */
  async snapshotPair(key) {
    try {
      const state = await this.#during('snapshot', this.dict.snapshot())
      this.#pair(key, 'snapshot', state)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** @param {string} key */
  localPair(key) {
    this.#pair(key, 'local', this.dict.local)
  }

  async sync() {
    await this.#during('sync', this.dict.sync()).catch(error => this.#failed(error))
  }

  /** Records what the registry says of all sessions. */
  async look() {
    const begin = now()
    try {
      const all = await this.#during('replicas', this.dict.replicas())
      const replicas = all.map(({ service, version, state }) => ({ session: service, version, state }))
      this.journal.write({ t: 'look', s: this.name, begin, end: now(), replicas })
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Closes the dictionary. The store may answer too late: what counts is that nothing keeps the process alive. */
  async close() {
    await this.#during('close', this.dict.close()).catch(error => this.#failed(error))
  }

  /** Records the state of memory. */
  see() {
    const { version, local } = this.dict
    this.journal.write({ t: 'seen', s: this.name, at: now(), version, digest: digest(local) })
  }

  /** Its entries at the end. A live one must have got there by itself. */
  async report() {
    if (!this.options.live) await this.#synced()
    this.see()
    await this.#watched.compare()
    const { version, local } = this.dict
    this.journal.write({ t: 'syncs', ...this.#syncs })
    this.journal.write({ t: 'final', s: this.name, version, entries: Object.fromEntries(local) })
  }

  /** On a busy machine an answer may take longer than the time limit of a call. */
  async #synced() {
    for (;;) {
      try {
        return await this.#during('last sync', this.dict.sync())
      } catch (error) {
        if (/** @type {{ code?: string }} */ (error).code !== 'DURABLEDICT_STORE_UNAVAILABLE') throw error
      }
    }
  }

  /** @param {string} key @param {string} view @param {ReadonlyMap<string, string>} state */
  #pair(key, view, state) {
    const [left, right] = [state.get(`${key}:left`), state.get(`${key}:right`)]
    this.journal.write({ t: 'pair', s: this.name, at: now(), k: key, view, left, right })
  }

  /** @param {string} key @param {number | undefined} bound @param {() => Promise<string | undefined>} read */
  async #read(key, bound, read) {
    const begin = now()
    try {
      const value = await this.#during('read', read())
      this.journal.write({ t: 'read', s: this.name, k: key, begin, end: now(), r: value, bound })
      return value
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** A read that may be older than what another process was acknowledged, but goes neither back nor behind its own writes. @param {string} key */
  async #readInOrder(key) {
    const begin = now()
    try {
      const value = await this.#during('read in order', this.dict.get(key))
      this.journal.write({ t: 'local', s: this.name, begin, at: now(), k: key, r: value, version: this.dict.version })
      return value
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** @param {string} key */
  #readNow(key) {
    const begin = now()
    try {
      const value = this.dict.fresh.get(key)
      const { maxStaleness } = this.options
      this.journal.write({ t: 'read', s: this.name, k: key, begin, end: now(), r: value, bound: maxStaleness })
      return value
    } catch (error) {
      this.#failed(error, ['DURABLEDICT_STALE'])
      return undefined
    }
  }

  /** Resolves with whether it was acknowledged. @param {Record<string, unknown>} record @param {(id: string) => Promise<unknown>} work */
  async #write(record, work) {
    this.#count += 1
    const id = `${this.#count}.${this.name}`
    this.journal.write({ t: 'write', i: id, s: this.name, begin: now(), ...record })
    try {
      const result = await this.#during(`${record.kind}`, work(id))
      this.journal.write({ t: 'end', i: id, end: now(), r: result })
      return true
    } catch (error) {
      this.journal.write({ t: 'end', i: id, end: now(), e: this.#failed(error) })
      return false
    }
  }

  /** @param {unknown} error @param {readonly string[]} [allowed] @returns {string} its code */
  #failed(error, allowed = ALLOWED) {
    const { code = 'none', stack } = /** @type {Error & { code?: string }} */ (error)
    this.#latest = `${code} at ${Math.round(now())}: ${stack?.split('\n')[0]}`
    if (allowed.includes(code)) this.journal.write({ t: 'failed', code })
    else this.journal.write({ t: 'fault', text: `${this.name}: ${stack ?? error}` })
    return code
  }
}
