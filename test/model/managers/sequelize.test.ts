import { DataTypes, type Model, type ModelStatic, type Options, Sequelize } from 'sequelize'
import { afterAll, beforeAll } from 'vitest'
import { sequelizeManager } from '../../../src/backends/model/managers/sequelize.js'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import type { Server } from '../../servers/types.js'
import { managerBattery, type Opened } from './battery.js'

const servers: Server[] = []
let pg: Server
let maria: Server

beforeAll(async () => {
  ;[pg, maria] = await Promise.all([startServer(postgres), startServer(mariadb)])
  servers.push(pg, maria)
})
afterAll(() => Promise.all(servers.map(server => server.stop())))

/** Keys are told apart byte by byte. */
const KEY: Readonly<Record<string, string>> = {
  postgres: 'varchar(512)',
  mysql: 'varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
}

function define(sequelize: Sequelize, name: string, tableName: string, type: object): ModelStatic<Model> {
  return sequelize.define(
    name,
    {
      key: { type: DataTypes.STRING(512), field: 'setting key', unique: true, allowNull: false },
      value: { type: type as never, field: 'settingValue', allowNull: false },
      note: { type: DataTypes.STRING, defaultValue: 'none' },
    },
    { tableName, charset: 'utf8mb4', defaultScope: { where: { note: 'of the default scope' } } },
  )
}

async function open(url: string, options: Options = {}): Promise<Opened> {
  const sequelize = new Sequelize(url, { ...options, logging: false })
  const other = new Sequelize(url, { ...options, logging: false })
  const models = [
    define(sequelize, 'Setting', 'my settings', DataTypes.TEXT),
    define(sequelize, 'JsonSetting', 'json_settings', DataTypes.JSON),
    define(sequelize, 'BytesSetting', 'bytes_settings', DataTypes.BLOB),
  ] as const
  const type = KEY[sequelize.getDialect()] as string
  for (const model of models) {
    await model.sync()
    await sequelize.getQueryInterface().changeColumn(model.getTableName(), 'setting key', { type, allowNull: false })
  }
  const [setting, json, bytes] = models
  return {
    manager: sequelizeManager(setting),
    other: sequelizeManager(define(other, 'Setting', 'my settings', DataTypes.TEXT)),
    json: sequelizeManager(json),
    bytes: sequelizeManager(bytes),
    names: { table: 'my settings', key: 'setting key', value: 'settingValue' },
    async end() {
      await sequelize.close()
      await other.close()
    },
  }
}

managerBattery('Sequelize on PostgreSQL', () => open(pg.url))

managerBattery('Sequelize on MariaDB', () => open(maria.url))
