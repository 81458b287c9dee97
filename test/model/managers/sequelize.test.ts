import { expect } from 'vitest'
import { sequelizeManager } from '../../../src/backends/model/managers/sequelize/sequelize-manager.js'
import { modelsOf, onMariadb, onPostgres, type Source } from './sequelize-sources.js'
import { managerSuite, type Opened } from './suite.js'
import { suiteTables } from './tables.js'

async function openSuite(open: () => Promise<Source>): Promise<Opened> {
  const { sequelize, end } = await open()
  const { setting, mapped, json, jsonb, bytes } = modelsOf(sequelize)
  const manager = sequelizeManager(setting)
  for (const sql of suiteTables(manager.dialect)) await sequelize.query(sql)
  return {
    manager,
    mapped: sequelizeManager(mapped),
    json: sequelizeManager(json),
    jsonb: sequelizeManager(jsonb),
    bytes: sequelizeManager(bytes),
    filled: instance => expect(instance).toMatchObject({ id: expect.any(Number), createdAt: expect.any(Date) }),
    end,
  }
}

managerSuite('sequelizeManager on PostgreSQL', () => openSuite(onPostgres))
managerSuite('sequelizeManager on MariaDB', () => openSuite(onMariadb))
