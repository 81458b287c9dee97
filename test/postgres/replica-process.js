// @ts-check
// A process with a live dictionary that relies on memory: node replica-process.js <url> <name> <bound in ms>
import { PostgresDict } from 'durabledict/postgres'
import pg from 'pg'

const [url, name, bound] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url })
pool.on('error', () => {})
const timing = Symbol.for('durabledict.presence timing')
await PostgresDict.open(String(name), pool, {
  live: true,
  maxStaleness: Number(bound),
  ...{ [timing]: { ttl: 1_500, renewEvery: 300 } },
})
process.stdout.write('open\n')
