// @ts-check
/** @import { Client, ConnectTo } from './models.js' */
import { CONNECTIONS, occupying, PATIENCE } from '../pools.js'
import { TABLE } from './models.js'
import { knexOn, kyselyOn, sequelizeOn, typeormOn } from './orms.js'

const LIMITS = { connectTimeout: PATIENCE }

/** @type {Readonly<Record<string, (url: string) => Promise<Client>>>} */
const LIBRARIES = {
  async Kysely(url) {
    const { MysqlDialect } = await import('kysely')
    const { pool, occupy } = await poolOf(url)
    return { ...(await kyselyOn(new MysqlDialect({ pool }))), occupy }
  },
  Knex: uri => knexOn({ client: 'mysql2', connection: { uri, ...LIMITS } }),
  Sequelize: url => sequelizeOn(url, LIMITS),
  TypeORM: url => typeormOn({ type: 'mysql', url, poolSize: CONNECTIONS, extra: LIMITS }),
  async Drizzle(url) {
    const { drizzle } = await import('drizzle-orm/mysql2')
    const { longtext, mysqlTable, varchar } = await import('drizzle-orm/mysql-core')
    const { pool, occupy } = await poolOf(url)
    const table = mysqlTable(TABLE, { key: varchar({ length: 512 }).primaryKey(), value: longtext().notNull() })
    return {
      managerIn: library => library.drizzleManager(drizzle({ client: pool.promise() }), table),
      disconnect: () =>
        pool
          .promise()
          .end()
          .catch(() => {}),
      occupy,
    }
  },
}

/** @type {ConnectTo} */
export async function connectTo(library, url) {
  const client = await LIBRARIES[library]?.(url)
  if (!client) throw new Error(`There is no client "${library}".`)
  return client
}

/** @param {string} uri */
async function poolOf(uri) {
  const { default: mysql } = await import('mysql2')
  const pool = mysql.createPool({ uri, connectionLimit: CONNECTIONS, ...LIMITS })
  const take = async () => {
    const connection = await pool.promise().getConnection()
    return () => connection.release()
  }
  return { pool, occupy: occupying(take) }
}
