import { expect } from 'vitest'
import { sequelizeManager } from '../../../src/backends/model/managers/sequelize.js'
import { managerBattery, type Opened } from './battery.js'
import { modelsOf, onMariadb, onPostgres, type Source } from './sequelize-sources.js'
import { batteryTables } from './tables.js'

async function battery(open: () => Promise<Source>): Promise<Opened> {
  const { sequelize, end } = await open()
  const { setting, mapped, json, jsonb, bytes } = modelsOf(sequelize)
  const manager = sequelizeManager(setting)
  for (const sql of batteryTables(manager.dialect)) await sequelize.query(sql)
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

managerBattery('sequelizeManager on PostgreSQL', () => battery(onPostgres))
managerBattery('sequelizeManager on MariaDB', () => battery(onMariadb))
