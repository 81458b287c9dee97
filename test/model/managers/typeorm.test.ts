import { expect } from 'vitest'
import { typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { managerSuite, type Opened } from './suite.js'
import { suiteTables } from './tables.js'
import { Mapped, onMariadb, onPostgres, onSqlite, Setting, type Source, settingsOf } from './typeorm-sources.js'

/** TypeORM has its own JSON in SQLite. */
const JSON_TABLES = ['json', 'jsonb'].map(
  type => `CREATE TABLE ${type}_settings (key TEXT PRIMARY KEY, value ${type} NOT NULL)`,
)

async function openSuite(open: () => Promise<Source>): Promise<Opened> {
  const { source, end } = await open()
  const { dialect } = typeormManager(source.getRepository(Setting))
  const tables = [...suiteTables(dialect), ...(dialect === 'sqlite' ? JSON_TABLES : [])]
  for (const sql of tables) await source.query(sql)
  return {
    manager: typeormManager(source.getRepository(Setting)),
    mapped: typeormManager(source.getRepository(Mapped)),
    ...settingsOf(source),
    filled(instance) {
      expect(instance).toBeInstanceOf(Setting)
      expect(instance).toMatchObject({ id: expect.any(Number), createdAt: expect.any(Date) })
    },
    end,
  }
}

managerSuite('typeormManager on PostgreSQL', () => openSuite(onPostgres))
managerSuite('typeormManager on MariaDB', () => openSuite(onMariadb))
managerSuite('typeormManager on SQLite', () => openSuite(onSqlite))
