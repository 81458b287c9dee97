// @ts-check
/** @import { Channel } from '../lossy.js' */
/** @import { Client, ConnectTo } from './models.js' */
import { CONNECTIONS, occupying, PATIENCE, takingFrom } from '../pools.js'
import { TABLE } from './models.js'
import { knexOn, kyselyOn, sequelizeOn, typeormOn } from './orms.js'

/** What the pages of the libraries recommend against silent networks, in ms. */
const LIMITS = { connectionTimeoutMillis: PATIENCE }
const WITH_STATEMENTS = { ...LIMITS, query_timeout: PATIENCE }

/** @type {Readonly<Record<string, (url: string) => Promise<Client>>>} */
const LIBRARIES = {
  async Kysely(url) {
    const { PostgresDialect } = await import('kysely')
    const { pool, occupy } = await poolOf(url, WITH_STATEMENTS)
    return { ...(await kyselyOn(new PostgresDialect({ pool }))), occupy }
  },
  Knex: url => knexOn({ client: 'pg', connection: { connectionString: url, ...LIMITS } }),
  Sequelize: url => sequelizeOn(url, LIMITS),
  TypeORM: url =>
    typeormOn({ type: 'postgres', url, poolSize: CONNECTIONS, extra: LIMITS }, source =>
      takingFrom(/** @type {any} */ (source.driver).master),
    ),
  async Drizzle(url) {
    const { drizzle } = await import('drizzle-orm/node-postgres')
    const { pgTable, text } = await import('drizzle-orm/pg-core')
    const { pool, occupy } = await poolOf(url, LIMITS)
    const table = pgTable(TABLE, { key: text().primaryKey(), value: text().notNull() })
    return {
      managerIn: library => library.drizzleManager(drizzle({ client: pool }), table),
      disconnect: () => pool.end().catch(() => {}),
      occupy,
    }
  },
}

/** @type {ConnectTo} */
export async function connectTo(library, url) {
  const client = await LIBRARIES[library]?.(url)
  if (!client) throw new Error(`There is no client "${library}".`)
  return { ...client, listen: channel => listening(url, channel) }
}

/** @param {string} connectionString @param {import('pg').PoolConfig} limits */
async function poolOf(connectionString, limits) {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS, ...limits })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return { pool, occupy: occupying(takingFrom(pool)) }
}

/** A new connection, whose notifications pass through the channel. @param {string} connectionString @param {Channel} [channel] */
async function listening(connectionString, channel) {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString, ...LIMITS })
  client.on('error', () => {})
  const emit = client.emit.bind(client)
  client.emit = (/** @type {any} */ event, /** @type {any[]} */ ...args) => {
    if (event !== 'notification' || !channel) return emit(event, ...args)
    channel.pass(() => emit(event, ...args))
    return true
  }
  await client.connect()
  return client
}
