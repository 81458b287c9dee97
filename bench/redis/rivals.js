// @ts-check
// What people use with Redis instead. Its packages are installed here, beside this file, when a bench needs them.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runOrThrow } from '../../scripts/run.js'

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {boolean} cached whether what was read once is read from this process's memory
 * @property {(key: string) => Promise<unknown>} get
 * @property {(key: string, value: unknown) => Promise<unknown>} set
 * @property {() => unknown} close
 */

const folder = fileURLToPath(new URL('.', import.meta.url))

/** @param {string} path */
const read = path => readFile(new URL(path, import.meta.url), 'utf8').then(JSON.parse)

/** Installs the packages if they do not match the lockfile. */
export async function installRivals() {
  const wanted = (await read('package-lock.json')).packages
  const present = (await read('node_modules/.package-lock.json').catch(() => ({ packages: {} }))).packages
  const isThere = Object.keys(wanted).every(path => path === '' || present[path]?.version === wanted[path].version)
  if (isThere) return
  console.error('Installing what is compared with. This is done once.')
  await runOrThrow('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
}

/** Not a literal in the import: they are seldom installed. @param {string} name */
const load = name => import(name)

/** All of them, connected to a server. @param {string} url @returns {Promise<Rival[]>} */
export async function openRivals(url) {
  return Promise.all([openKeyv(url), openUnstorage(url), openCacheable(url), openBentocache(url)])
}

/** The name with the version that is installed. @param {string} name */
async function titleOf(name) {
  return `${name} ${(await read(`node_modules/${name}/package.json`)).version}`
}

/** Reads and writes go to the server; values as JSON. @param {string} url @returns {Promise<Rival>} */
async function openKeyv(url) {
  const [{ default: Keyv }, { default: KeyvRedis }] = await Promise.all([load('keyv'), load('@keyv/redis')])
  const keyv = new Keyv(new KeyvRedis(url), { namespace: 'keyv' })
  return {
    name: await titleOf('keyv'),
    cached: false,
    get: key => keyv.get(key),
    set: (key, value) => keyv.set(key, value),
    close: () => keyv.disconnect(),
  }
}

/** Reads and writes go to the server, through ioredis; values as JSON. @param {string} url @returns {Promise<Rival>} */
async function openUnstorage(url) {
  const [{ createStorage }, { default: driver }] = await Promise.all([
    load('unstorage'),
    load('unstorage/drivers/redis'),
  ])
  const storage = createStorage({ driver: driver({ url, base: 'unstorage' }) })
  return {
    name: await titleOf('unstorage'),
    cached: false,
    get: key => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
    close: () => storage.dispose(),
  }
}

/**
 * Memory in front of Redis. Values in memory are shared and not copied, which is faster, and like the dictionary.
 * @param {string} url @returns {Promise<Rival>}
 */
async function openCacheable(url) {
  const [{ Cacheable, createKeyv }, { default: KeyvRedis }] = await Promise.all([
    load('cacheable'),
    load('@keyv/redis'),
  ])
  const primary = createKeyv({ useClone: false })
  const cache = new Cacheable({ primary, secondary: new KeyvRedis(url, { namespace: 'cacheable' }) })
  return {
    name: await titleOf('cacheable'),
    cached: true,
    get: key => cache.get(key),
    set: (key, value) => cache.set(key, value),
    close: () => cache.disconnect(),
  }
}

/**
 * Memory in front of Redis, with messages that invalidate what another process has written. Values in memory are shared
 * and not serialized, which is faster, and like the dictionary; nothing expires.
 * @param {string} url @returns {Promise<Rival>}
 */
async function openBentocache(url) {
  const [{ BentoCache, bentostore }, { memoryDriver }, { redisBusDriver, redisDriver }] = await Promise.all([
    load('bentocache'),
    load('bentocache/drivers/memory'),
    load('bentocache/drivers/redis'),
  ])
  const { hostname, port } = new URL(url)
  const connection = { host: hostname, port: Number(port) }
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 1_000_000, serialize: false }))
    .useL2Layer(redisDriver({ connection }))
    .useBus(redisBusDriver({ connection }))
  const bento = new BentoCache({ default: 'main', stores: { main: store }, ttl: null })
  return {
    name: await titleOf('bentocache'),
    cached: true,
    get: key => bento.get({ key }),
    set: (key, value) => bento.set({ key, value }),
    close: () => bento.disconnectAll(),
  }
}
