import { prismaManager } from '../../src/backends/model/managers/prisma.js'
import { createTables } from '../../src/index.js'
import { conform, type Library, TELLING_MODES } from './conform.js'
import { type PrismaDatabase, prismaOnPostgres, prismaOnSqlite } from './prisma/databases.js'

/** A client's tables are those of its schema. Tests use two of them in turn, each emptied before, with a dictionary of its own. */
async function library(database: PrismaDatabase): Promise<Library> {
  const prisma = await database.client()
  const managers = [prismaManager(prisma, 'appSetting'), prismaManager(prisma, 'setting')] as const
  await createTables(managers[0])
  let [next, other] = managers
  const options = { keyCol: '', valueCol: '', name: '' }
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

const missing = { subscribe: 'nothing is given to listen with: live dictionaries ask' }

conform('Prisma on PostgreSQL', async () => library(await prismaOnPostgres()), { modes: TELLING_MODES, missing })
conform('Prisma on SQLite', async () => library(await prismaOnSqlite()), { modes: TELLING_MODES, missing })
