// @ts-check
// A process with a live dictionary that relies on memory: node replica-process.js <url> <table> <bound in ms>
import { JSONEncoding, kyselyManager, ModelDict } from 'durabledict'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

const [url, table, bound] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url })
pool.on('error', () => {})
const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
const timing = Symbol.for('durabledict.presence timing')
await ModelDict.open(kyselyManager(/** @type {never} */ (db), String(table)), {
  encoding: JSONEncoding,
  live: true,
  pollEvery: 20,
  maxStaleness: Number(bound),
  ...{ [timing]: { ttl: 1_500, renewEvery: 300 } },
})
process.stdout.write('open\n')
