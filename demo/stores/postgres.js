// @ts-check
import { randomUUID } from 'node:crypto'
import { PostgresDict } from 'durabledict'
import pg from 'pg'
import { postgres } from '../../test/servers/postgres.js'
import { startServer } from '../../test/servers/start.js'

/** A dictionary with a new name, in the database at that URL or on a server that the demo starts. @type {import('../stage.js').DemoStore} */
export const store = {
  title: 'PostgreSQL',
  async make(given) {
    const server = given === undefined ? await startServer(postgres) : undefined
    const url = given ?? server?.url ?? ''
    const name = `durabledict-demo-${randomUUID()}`
    // Connects first, so that this process and not a child reports a failure.
    await (await PostgresDict.open(name, url)).close()
    const remove = server ? () => server.stop() : () => removeRows(name, url)
    return { address: JSON.stringify([name, url]), remove }
  },
  async open(address, options) {
    const [name, url] = JSON.parse(address)
    return PostgresDict.open(name, url, options)
  },
  async edit(address, key, value) {
    const [name, url] = JSON.parse(address)
    await inSql(
      url,
      `INSERT INTO durabledict_entries (dictionary, key, value) VALUES ($1, $2, $3)
       ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value`,
      [name, key, JSON.stringify(value)],
    )
  },
}

/** What psql would do. @param {string} url @param {string} statement @param {string[]} values */
async function inSql(url, statement, values) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement, values).finally(() => client.end())
}

/** Everything about the dictionary. @param {string} name @param {string} url */
async function removeRows(name, url) {
  try {
    for (const table of ['entries', 'changes', 'commits', 'replicas', 'heads']) {
      await inSql(url, `DELETE FROM durabledict_${table} WHERE dictionary = $1`, [name])
    }
  } catch (error) {
    console.error(`${name} could not be removed from PostgreSQL: ${error instanceof Error ? error.message : error}`)
  }
}
