// @ts-check
/** @import { Dict } from '../scene.js' */
/** @import { Random } from '../../random.js' */
/** @import { Place, StoredRecord } from './stores.js' */
import { mutate } from '../mutate.js'
import { Violation } from '../outcomes.js'
import { source } from '../source.js'
import { SECRET } from '../spoil.js'
import { CALLS, ENTRIES } from './calls.js'

/** How long a call may take, in ms: far longer than `timeout`, so that a busy machine fails no round. A call that hangs is found. */
const PATIENCE = 20_000

/** The option `timeout` of the dictionaries, in ms. */
const TIMEOUT = 1_500

/** How much memory a round may reserve, in bytes. */
const MEMORY = 128 * 2 ** 20

/** What a random dictionary is opened with. @param {Random} random */
const optionsOf = random => ({
  timeout: TIMEOUT,
  ...(random.chance(0.3) && { live: true }),
  ...(random.chance(0.3) && { maxStaleness: random.pick([5, 60_000]) }),
  ...(random.chance(0.2) && { resyncEvery: 20 }),
  ...(random.chance(0.2) && { autosync: false }),
})

/** One store, one damaged record, and what dictionaries that were open before, or are opened after, make of it. */
export class Round {
  /** @type {string[]} */
  log = []
  /** Whether the memory of all dictionaries was compared with the store in the end. */
  isWhole = false
  /** The latest error of a call. @type {any} */
  #latest
  /** @type {StoredRecord[]} */
  #spoiled = []
  /** @type {Dict[]} */
  #open = []
  #place
  #random

  /** @param {Place} place @param {Random} random */
  constructor(place, random) {
    this.#place = place
    this.#random = random
  }

  async run() {
    const memory = reserved()
    const [a, b] = [await this.#opened('a', optionsOf(this.#random)), await this.#opened('b', optionsOf(this.#random))]
    if (!a || !b) throw new Violation('A new store could not be opened')
    await fill(a, b)
    await this.#damage()
    await this.#use({ a, b })
    const c = await this.#opened('c', { ...optionsOf(this.#random), ...(this.#random.chance(0.2) && READ_ONLY) })
    await this.#use({ a, b, ...(c && { c }) })
    if (await this.#recover(a, b)) await this.#compare(a, b)
    if (!this.isWhole) {
      this.#expectAdvice()
      await this.#repair(a, b)
    }
    await this.end()
    if (reserved() - memory > MEMORY) throw new Violation('The round reserved memory that nothing needs')
  }

  /** Closes everything, in time. */
  async end() {
    for (const dict of this.#open.splice(0)) {
      const outcome = await this.#settle('close()', dict.close())
      if ('error' in outcome) this.#judge('close()', outcome.error)
    }
  }

  /** @param {string} name @param {object} options @returns {Promise<Dict | undefined>} */
  async #opened(name, options) {
    const code = `${name} = open(${JSON.stringify(options)})`
    const outcome = await this.#settle(code, this.#place.open(options))
    if ('error' in outcome) {
      this.#judge(code, outcome.error)
      this.#latest = outcome.error
      return undefined
    }
    const dict = /** @type {Dict} */ (outcome.value)
    this.#open.push(dict)
    return dict
  }

  async #damage() {
    const records = await this.#place.records()
    for (let count = this.#random.pick([1, 1, 1, 2]); count > 0; count -= 1) {
      const record = this.#random.pick(records)
      await this.#spoil(record).catch(error => {
        // The store itself refuses such bytes.
        this.log.push(`refused by the store: ${error.message}`)
      })
    }
  }

  /** @param {StoredRecord} record */
  async #spoil(record) {
    const random = this.#random
    this.#spoiled.push(record)
    if (random.chance(0.1)) {
      this.log.push(`removed ${record.name}`)
      return record.remove()
    }
    const bytes = mutate([record.bytes], random)
    const isText = random.chance(0.8)
    this.log.push(
      `replaced ${record.name} by ${isText ? 'text' : 'bytes'}: ${JSON.stringify(bytes.toString('latin1').slice(0, 400))} (${bytes.length}), was ${JSON.stringify(record.bytes.toString('latin1').slice(0, 400))}`,
    )
    return record.put(bytes, isText)
  }

  /** @param {Record<string, Dict>} dicts */
  async #use(dicts) {
    for (let count = this.#random.between(1, 8); count > 0; count -= 1) {
      await Promise.all(Array.from({ length: this.#random.pick([1, 1, 2]) }, () => this.#call(dicts)))
    }
  }

  /** @param {Record<string, Dict>} dicts */
  async #call(dicts) {
    const name = this.#random.pick(Object.keys(dicts))
    const call = this.#random.pick(Object.keys(CALLS))
    const key = this.#random.pick(ENTRIES)
    const run = async () => CALLS[call]?.(/** @type {Dict} */ (dicts[name]), key, this.#random)
    const code = `${name}.${call}(${key})`
    const outcome = await this.#settle(code, run())
    if ('error' in outcome) this.#judge(code, outcome.error)
  }

  /** A write of a new key works, and others see it; or it says what is wrong. @param {Dict} a @param {Dict} b */
  async #recover(a, b) {
    const isDone =
      (await this.#does("a.set('clean')", a.set('clean', 'written'))) && (await this.#does('b.sync()', b.sync()))
    if (isDone && b.local.get('clean') !== 'written') throw new Violation('b does not see what a wrote')
    return isDone
  }

  /** @param {Dict} a @param {Dict} b */
  async #repair(a, b) {
    const repairs = this.#spoiled.flatMap(({ repair }) => repair ?? [])
    if (repairs.length === 0) return
    await Promise.all(repairs.map(repair => repair()))
    this.log.push('repaired')
    if (!(await this.#recover(a, b))) throw new Violation('Nothing works after the repair')
    await this.#compare(a, b)
    if (!this.isWhole) throw new Violation('Not everything works after the repair')
  }

  /** Nothing works as long as the damage lasts: the error says what to do. */
  #expectAdvice() {
    const message = String(this.#latest?.message)
    if (!ADVICE.test(message)) throw new Violation(`The error does not say what to do: ${message}`)
  }

  /** After all memory was compared with the store, nobody can tell who was there when it was damaged. @param {Dict} a @param {Dict} b */
  async #compare(a, b) {
    if (!(await this.#does('a.touch()', a.touch())) || !(await this.#does('b.touch()', b.touch()))) return
    const e = await this.#opened('e', { timeout: TIMEOUT })
    if (!e || !(await this.#does('a.sync()', a.sync())) || !(await this.#does('b.sync()', b.sync()))) return
    const [first, ...others] = [e, a, b].map(contentOf)
    if (others.some(other => other !== first)) throw new Violation(`Memory differs: ${[first, ...others].join('\n')}`)
    this.isWhole = true
  }

  /** Whether the call resolves. @param {string} code @param {Promise<unknown>} running */
  async #does(code, running) {
    const outcome = await this.#settle(code, running)
    if ('value' in outcome) return true
    this.#judge(code, outcome.error)
    this.#latest = outcome.error
    return false
  }

  /** @param {string} code @param {Promise<unknown>} running @returns {Promise<{ value: unknown } | { error: any }>} */
  async #settle(code, running) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Violation(`${code} did not end within ${PATIENCE} ms`)), PATIENCE)
    })
    const start = performance.now()
    try {
      const value = await Promise.race([running, late])
      this.log.push(`${code}: ok (${Math.round(performance.now() - start)} ms)`)
      return { value }
    } catch (error) {
      if (error instanceof Violation) throw error
      this.log.push(`${code}: ${error} (${Math.round(performance.now() - start)} ms)`)
      return { error }
    } finally {
      clearTimeout(timer)
    }
  }

  /** @param {string} code @param {any} error */
  #judge(code, error) {
    if (!/^DURABLEDICT_/.test(String(error?.code))) throw new Violation(`${code} failed: ${error?.stack ?? error}`)
    // A store that answers has not failed: its answer was not understood.
    if (/StoreUnavailable|Ambiguous/.test(error.name) && isBug(error.cause))
      throw new Violation(`${code} failed by a bug: ${error.cause.stack}`)
    if (error.message.includes(SECRET)) throw new Violation(`${code} quotes a value: ${error.message}`)
  }
}

/** @param {any} cause @returns {boolean} */
const isBug = cause => BUGS.has(cause?.name) || (cause?.cause !== undefined && isBug(cause.cause))

/** What an error of the library says to do. */
const ADVICE = /choose another name|restore it from a backup|find out what|delete it/i

const BUGS = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'])

const READ_ONLY = { readOnly: true, maxStaleness: undefined }

/** Entries, a history with authors, and a log whose latest changes `b` has not read. @param {Dict} a @param {Dict} b */
async function fill(a, b) {
  await b.set('big', 'x'.repeat(3_000))
  await b.set('ключ', new Map([[SECRET, new Date(0)]]), { by: 'bob' })
  await a.update({ a: 1, b: { deep: [1, SECRET] }, s: SECRET }, { by: 'ada', reason: SECRET })
  await a.delete('b')
  await a.set('b', 2, { everywhere: { timeout: 50 } }).catch(() => {})
  await Promise.all([a.set('a', { n: [1, null] }, { by: 'ada' }), a.set('s', SECRET), a.setDefault('b', 3)])
}

/** Memory, with the version, as text. @param {Dict} dict */
function contentOf({ local, version }) {
  const entries = [...local.keys()].sort().map(key => {
    try {
      return `${key}: ${source(local.get(key))}`
    } catch (error) {
      return `${key}: ${/** @type {Error} */ (error).name}`
    }
  })
  return [version, ...entries].join()
}

const reserved = () => process.memoryUsage().arrayBuffers
