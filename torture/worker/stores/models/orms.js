// @ts-check
/** @import { Client } from './models.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { CONNECTIONS, occupying, PATIENCE } from '../pools.js'
import { TABLE } from './models.js'

/** How often to try to connect while the database is unreachable. */
const ATTEMPTS = 200

/** @param {import('kysely').Dialect} dialect @returns {Promise<Client>} */
export async function kyselyOn(dialect) {
  const { Kysely } = await import('kysely')
  const db = new Kysely({ dialect })
  return {
    managerIn: library => library.kyselyManager(db, TABLE),
    disconnect: () => db.destroy().catch(() => {}),
  }
}

/** @param {import('knex').Knex.Config} config @returns {Promise<Client>} */
export async function knexOn(config) {
  const { default: knex } = await import('knex')
  const db = knex({ pool: { min: 0, max: CONNECTIONS }, acquireConnectionTimeout: PATIENCE, ...config })
  const take = async () => {
    const connection = await db.client.acquireConnection()
    return () => db.client.releaseConnection(connection)
  }
  return {
    managerIn: library => library.knexManager(db, TABLE),
    disconnect: () => db.destroy().catch(() => {}),
    occupy: occupying(take),
  }
}

/** @param {string} url @param {object} dialectOptions @returns {Promise<Client>} */
export async function sequelizeOn(url, dialectOptions) {
  const { DataTypes, Sequelize } = await import('sequelize')
  const pool = { max: CONNECTIONS, acquire: PATIENCE }
  const sequelize = new Sequelize(url, { logging: false, pool, dialectOptions })
  const columns = { key: { type: DataTypes.STRING(512), primaryKey: true }, value: DataTypes.TEXT('long') }
  const model = sequelize.define(TABLE, columns, { tableName: TABLE, timestamps: false })
  const { connectionManager } = /** @type {any} */ (sequelize)
  const take = async () => {
    const connection = await connectionManager.getConnection({ type: 'write' })
    return () => connectionManager.releaseConnection(connection)
  }
  return {
    managerIn: library => library.sequelizeManager(/** @type {any} */ (model)),
    disconnect: () => sequelize.close().catch(() => {}),
    occupy: occupying(take),
  }
}

/**
 * @param {import('typeorm').DataSourceOptions} options @param {(source: import('typeorm').DataSource) => () => Promise<() => void>}
 * [takingFrom] returns what takes a connection @returns {Promise<Client>}
 */
export async function typeormOn(options, takingFrom) {
  const { DataSource, EntitySchema } = await import('typeorm')
  const entity = new EntitySchema(
    /** @type {any} */ ({ name: TABLE, columns: { key: { type: 'varchar', primary: true }, value: { type: 'text' } } }),
  )
  const source = await connected(() => new DataSource({ ...options, entities: [entity] }).initialize())
  return {
    managerIn: library => library.typeormManager(/** @type {any} */ (source.getRepository(entity))),
    disconnect: () => source.destroy().catch(() => {}),
    occupy: takingFrom && occupying(takingFrom(source)),
  }
}

/** Libraries that connect before they are used connect again until that succeeds. @template V @param {() => Promise<V>} connect */
async function connected(connect) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      await pause(50)
    }
  }
}
