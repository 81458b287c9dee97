// @ts-check
// One process of the previous release: opens a dictionary and obeys its parent. Arguments: the folder of the package, the store, where it is.
import { pathToFileURL } from 'node:url'

/** @typedef {Record<string, any>} Library */

const [folder = '', store = '', place = ''] = process.argv.slice(2)
/** @type {Library} */
const library = await import(pathToFileURL(`${folder}/lib/esm/index.js`).href)

/** @type {Record<string, () => Promise<any>>} */
const OPEN = {
  sqlite: () => library.SqliteDict.open('settings', place, { live: true }),
  redis: () => library.RedisDict.open('settings', place, { live: true }),
  zookeeper: () => library.ZookeeperDict.open('/settings', place, { live: true }),
  model: openModel,
}

async function openModel() {
  const { default: pg } = await import('pg')
  const { Kysely, PostgresDialect } = await import('kysely')
  const pool = new pg.Pool({ connectionString: place, max: 4 })
  pool.on('error', () => {})
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  return library.ModelDict.open(library.kyselyManager(db, 'settings'), { live: true })
}

const dict = await OPEN[store]?.()

/** @type {Record<string, (...args: any[]) => unknown>} */
const COMMANDS = {
  set: (key, value) => dict.set(key, value),
  get: key => dict.get(key),
  update: entries => dict.update(entries),
  local: key => dict.local.get(key),
  close: () => dict.close(),
}

process.on('message', async (/** @type {{ id: number, command: string, args: unknown[] }} */ { id, command, args }) => {
  try {
    process.send?.({ id, value: await COMMANDS[command]?.(...args) })
  } catch (error) {
    process.send?.({ id, error: String(error) })
  }
  if (command === 'close') process.exit(0)
})
process.send?.({ ready: true })
