// @ts-check
// A process of its own that does what its parent asks for, on the built library and whatever engine its Node has.
import { readdirSync, readlinkSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { testBundle } from '../../scripts/build/test-bundle.js'

/** Quicker to load than `dist`. @param {string} file */
const built = file => import(new URL(file, pathToFileURL(testBundle)).href)

/** @type {typeof import('../../dist/backends/sqlite/engine.js')} */
const { findEngine } = await built('backends/sqlite/engine.js')
/** @type {typeof import('../../dist/backends/sqlite/sqlite-backend.js')} */
const { SqliteBackend } = await built('backends/sqlite/sqlite-backend.js')
/** @type {typeof import('../../dist/index.js')} */
const { SqliteDict } = await built('index.js')

/** @type {import('../../dist/index.js').SqliteDict} */
let dict
/** @type {import('../../dist/backends/sqlite/engine.js').OwnHandle} */
let handle

/** @param {string} name @param {unknown} value */
const tell = (name, value) => new Promise(resolve => process.send?.({ name, value }, () => resolve(undefined)))

/** @param {string} descriptor */
function nameOf(descriptor) {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}

const TIMING = Symbol.for('durabledict.presence timing')

/** When the latest read of each value began, in ns, by the clock that all processes of the machine share. @type {Map<unknown, bigint>} */
const latestReads = new Map()

/** Reads again and again what memory may be relied on for. */
function readAgain() {
  const begin = process.hrtime.bigint()
  try {
    latestReads.set(dict.fresh.get('a'), begin)
  } catch {}
  setImmediate(readAgain)
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const actions = {
  /** @param {string} name @param {string} file @param {{ timing?: object }} [options] */
  async open(name, file, { timing, ...options } = {}) {
    const all = /** @type {object} */ ({ ...options, ...(timing && { [TIMING]: timing }) })
    dict = await SqliteDict.open(name, file, all)
  },
  /** Stops this process before or after the next call of the backend's method. */
  stopAt(/** @type {'register' | 'load' | 'changesSince' | 'acknowledge'} */ method, /** @type {string} */ when) {
    const original = /** @type {(...args: any[]) => any} */ (SqliteBackend.prototype[method])
    const stop = () => {
      Object.assign(SqliteBackend.prototype, { [method]: original })
      process.kill(process.pid, 'SIGSTOP')
    }
    /** @this {InstanceType<typeof SqliteBackend>} @param {any[]} args */
    async function stopping(...args) {
      if (when === 'before') stop()
      const answer = await original.apply(this, args)
      if (when === 'after') stop()
      return answer
    }
    Object.assign(SqliteBackend.prototype, { [method]: stopping })
  },
  readAgain,
  latestRead: value => latestReads.get(value)?.toString(),
  /** Any method of the dictionary. */
  call: (method, ...args) => /** @type {any} */ (dict)[method](...args),
  local: () => [...dict.local],
  version: () => dict.version,
  async openHandle(file) {
    handle = (await findEngine('worker')).open(file)
  },
  exec: sql => void handle.exec(sql),
  row: sql => ({ ...Object(handle.prepare(sql).get()) }),
  /** Drops to a user without rights: permissions do not bind root. */
  async dropRights() {
    await findEngine('worker')
    if (process.getuid?.() !== 0) return
    process.setgroups?.([])
    process.setgid?.(65_534)
    process.setuid?.(65_534)
  },
  closeHandle: () => void handle.close(),
  /** How many descriptors of the file, and of those beside it, are open. */
  async openFiles(path) {
    // Earlier reads become garbage only in a later turn of the event loop.
    for (let n = 0; n < 5; n += 1) {
      await new Promise(setImmediate)
      globalThis.gc?.()
    }
    return readdirSync('/proc/self/fd').filter(descriptor => nameOf(descriptor).startsWith(path)).length
  },
  /** Sets `n` to 1, 2, 3 … and reports each acknowledged one. */
  async count() {
    for (let n = 1; ; n += 1) {
      await dict.set('n', n)
      await tell('acknowledged', n)
    }
  },
  /** Reports the delay in ms between the start of another process's write and its arrival here. */
  report() {
    dict.on(
      'change',
      ({ value }) => void tell('latency', Number(process.hrtime.bigint() - BigInt(String(value))) / 1e6),
    )
  },
  setToNow: key => dict.set(key, process.hrtime.bigint().toString()),
  /** Asks SQLite for a row again and again, without the library. @param {number} ms */
  askRegularly(ms) {
    const statement = handle.prepare('SELECT count(*) FROM sqlite_schema')
    setInterval(() => statement.get(), ms)
  },
  /** The share of one core that is used while nothing happens, and the times a second that the process wakes up. */
  async idle(ms) {
    const before = process.resourceUsage()
    const startedAt = performance.now()
    await new Promise(resolve => setTimeout(resolve, ms))
    const after = process.resourceUsage()
    const elapsed = performance.now() - startedAt
    const used = after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime
    const wakes = after.voluntaryContextSwitches - before.voluntaryContextSwitches
    return { share: used / 1000 / elapsed, wakes: (wakes * 1000) / elapsed }
  },
}

process.on('message', async (/** @type {{ id: number, action: string, args: unknown[] }} */ { id, action, args }) => {
  try {
    process.send?.({ id, value: await actions[action]?.(...args) })
  } catch (error) {
    const { name, code, message } = /** @type {Error & { code?: string }} */ (error)
    process.send?.({ id, error: { name, code, message } })
  }
})
process.send?.({ name: 'ready' })
