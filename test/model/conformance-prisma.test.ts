import pg from 'pg'
import { prismaManager } from '../../src/backends/model/managers/prisma/prisma-manager.js'
import { createTables, type ModelOptions } from '../../src/index.js'
import { METHODS_ALONE } from '../form.js'
import { conform, type Library } from './conform.js'
import { type PrismaDatabase, prismaOnPostgres, prismaOnSqlite } from './prisma/databases.js'

/** A client's tables are those of its schema. Tests use two of them in turn, each emptied first, with a new dictionary. */
async function library(database: PrismaDatabase, more: ModelOptions): Promise<Library> {
  const prisma = await database.client()
  const managers = [prismaManager(prisma, 'appSetting'), prismaManager(prisma, 'setting')] as const
  await createTables(managers[0])
  let [next, other] = managers
  const options = { ...more, keyCol: '', valueCol: '', name: '' }
  return {
    async model(name) {
      ;[next, other] = [other, next]
      await next.transaction(session => session.removeAll(), { limit: 5_000 })
      const [keyCol, valueCol] = next.column('key') ? ['key', 'value'] : ['settingKey', 'settingValue']
      Object.assign(options, { keyCol, valueCol, name })
      return next
    },
    options,
    end: () => database.end(),
  }
}

async function onPostgres(): Promise<Library> {
  const database = await prismaOnPostgres()
  const listen = async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    return client
  }
  return library(database, { listen })
}

conform('Prisma on PostgreSQL', onPostgres, { modes: METHODS_ALONE, sequential: true })
// SQLite differs in the methods of the backend; the dictionary above them is the same as on PostgreSQL.
conform('Prisma on SQLite', async () => library(await prismaOnSqlite(), { pollEvery: 20 }), {
  modes: [],
  sequential: true,
  missing: { subscribe: 'nothing reports changes in a file of the application: live dictionaries poll' },
})
