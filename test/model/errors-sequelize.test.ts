import { Sequelize } from 'sequelize'
import { afterAll, beforeAll, describe, vi } from 'vitest'
import { sequelizeManager } from '../../src/index.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import {
  changedSince,
  downErrors,
  exhaustedPool,
  MARIADB,
  POSTGRESQL,
  type Pooled,
  serverErrors,
} from './library-errors.js'
import { modelsOf } from './managers/sequelize-sources.js'
import { suiteTables } from './managers/tables.js'

function open(url: string): Pooled & { sequelize: Sequelize } {
  const sequelize = new Sequelize(url, { logging: false, pool: { max: 2, acquire: 300 } })
  return { sequelize, manager: sequelizeManager(modelsOf(sequelize).setting), end: () => sequelize.close() }
}

describe.each([
  ['PostgreSQL', postgres, POSTGRESQL, ['-c', 'deadlock_timeout=20ms'], '40001'],
  // InnoDB ignores a transaction's own snapshot when a row is written, or reports that the record has changed.
  ['MariaDB', mariadb, MARIADB, ['--innodb-snapshot-isolation=ON'], '1020'],
] as const)('errors of Sequelize on %s:', (_name, spec, names, args, changed) => {
  let server: Server
  let opened: ReturnType<typeof open>
  beforeAll(async () => {
    // Sequelize warns about connections that it ends.
    vi.spyOn(console, 'warn').mockReturnValue()
    server = await startServer(spec, { args: [...args] })
    opened = open(server.url)
    for (const sql of suiteTables(opened.manager.dialect)) await opened.sequelize.query(sql)
  })
  afterAll(async () => {
    await opened?.end()
    await server?.stop()
    vi.restoreAllMocks()
  })
  serverErrors(() => opened, names)
  exhaustedPool(() => opened)
  changedSince(() => opened, changed)
  downErrors(async port => open(spec.url(port)))
})
