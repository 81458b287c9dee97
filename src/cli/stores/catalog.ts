import { keysOf } from '../../backends/redis/names.js'
import { unescapeText } from '../../backends/sql/escape.js'
import { findEngine } from '../../backends/sqlite/engine.js'
import { withPostgres } from './postgres.js'
import { type Send, withRedis } from './redis.js'
import { fileOf, parseStoreUrl } from './store-url.js'

/** How long a store may take to list its dictionaries, in ms. */
const TIMEOUT = 5_000

/** Which dictionaries a store has, as far as it can list them cheaply. */
export interface Catalog {
  /** Whether it has the one that the URL names. */
  readonly has: boolean
  /** The names of others, sorted. */
  readonly others: readonly string[]
}

/**
 * Looks at the store on a connection of its own. Returns `undefined` if the store cannot say: rights are missing, it is down, or it is
 * ZooKeeper, where any znode may be a dictionary. Creates nothing.
 */
export async function catalogOf(url: string): Promise<Catalog | undefined> {
  try {
    return await lookUp(url, TIMEOUT)
  } catch {
    return undefined
  }
}

async function lookUp(url: string, timeout: number): Promise<Catalog | undefined> {
  const { store, server, name } = parseStoreUrl(url)
  if (store === 'redis') return await withRedis(server, name, timeout, send => inRedis(send, name))
  if (store === 'sqlite') return toCatalog(name, await namesInFile(fileOf(server), name))
  if (store !== 'postgres') return undefined
  const rows = await withPostgres(server, timeout, query => query(HEADS))
  return toCatalog(
    name,
    rows.map(([stored]) => unescapeText(stored ?? '')),
  )
}

function toCatalog(name: string, names: readonly string[]): Catalog {
  return { has: names.includes(name), others: names.filter(other => other !== name).toSorted() }
}

const HEADS = 'SELECT dictionary FROM public.durabledict_heads'

async function namesInFile(file: string, name: string): Promise<string[]> {
  const handle = (await findEngine(name)).open(file, 'ro')
  try {
    const rows = handle.prepare('SELECT dict FROM durabledict_heads').all() as { dict: unknown }[]
    return rows.map(({ dict }) => unescapeText(String(dict)))
  } finally {
    handle.close()
  }
}

/** How many steps a scan of Redis has at most, and about how many keys each visits: a server may have millions. */
const STEPS = 20
const STEP = 1_000

/** A dictionary that another program keeps as a plain hash has no metadata. */
async function inRedis(send: Send, name: string): Promise<Catalog> {
  const { entries, meta, head } = keysOf(name)
  const has = Number(await send('EXISTS', entries, meta, head)) > 0
  return { ...toCatalog(name, await namesIn(send)), has }
}

async function namesIn(send: Send): Promise<string[]> {
  const names = new Set<string>()
  let cursor = '0'
  for (let step = 0; step < STEPS; step += 1) {
    const reply = await send('SCAN', cursor, 'MATCH', '{*}:meta', 'COUNT', `${STEP}`)
    const [next, keys] = reply as [unknown, unknown[]]
    for (const key of keys) names.add(nameOf(String(key)))
    cursor = String(next)
    if (cursor === '0') break
  }
  return [...names]
}

/** As `keysOf` builds it. */
function nameOf(meta: string): string {
  return meta
    .slice(1, -'}:meta'.length)
    .replace(/%(7B|7D|25)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
