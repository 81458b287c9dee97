import pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { sequelizeManager, versionTables } from '../../src/index.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import type { ServerSpec } from '../servers/types.js'
import { conform, type Library, TELLING_MODES } from './conform.js'

/** Key and value, distinguished byte by byte. */
const COLUMNS = {
  postgresql: 'key text PRIMARY KEY, value text NOT NULL',
  mysql: `\`key\` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
    value longtext CHARACTER SET utf8mb4 NOT NULL`,
}

async function open(spec: ServerSpec, dialect: 'postgresql' | 'mysql'): Promise<Library & { url: string }> {
  const { url, stop } = await startServer(spec)
  const sequelize = new Sequelize(url, { logging: false, pool: { max: 10 } })
  for (const sql of versionTables(dialect)) await sequelize.query(sql)
  return {
    url,
    async model(table) {
      await sequelize.query(`CREATE TABLE ${table} (${COLUMNS[dialect]})`)
      const key = { type: DataTypes.STRING(512), primaryKey: true }
      const columns = { key, value: { type: DataTypes.TEXT, allowNull: false } }
      return sequelizeManager(sequelize.define(table, columns, { tableName: table, timestamps: false }))
    },
    async end() {
      await sequelize.close()
      await stop()
    },
  }
}

async function onPostgres(): Promise<Library> {
  const library = await open(postgres, 'postgresql')
  const listen = async () => {
    const client = new pg.Client({ connectionString: library.url })
    await client.connect()
    return client
  }
  return { ...library, options: { listen } }
}

// Databases differ in the methods of the backend; the dictionary above them is the same as on MariaDB.
conform('Sequelize on PostgreSQL', onPostgres, { modes: [] })
conform('Sequelize on MariaDB', () => open(mariadb, 'mysql'), {
  modes: TELLING_MODES,
  missing: { subscribe: 'MariaDB sends no notifications of changes: live dictionaries poll' },
})
