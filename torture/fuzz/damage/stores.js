// @ts-check
/** @import { Dict } from '../scene.js' */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fastFolder } from '../../../test/servers/fast-folder.js'
import { postgres } from '../../../test/servers/postgres.js'
import { redis } from '../../../test/servers/redis.js'
import { startServer } from '../../../test/servers/start.js'
import { startZookeeperNode } from '../../../test/servers/zookeeper-nodes.js'
import { libraryIn } from '../scene.js'
import { postgresRecords } from './postgres-records.js'
import { redisRecords } from './redis-records.js'
import { sqliteRecords } from './sqlite-records.js'
import { zookeeperRecords } from './zookeeper-records.js'

/** @typedef {typeof import('../../../dist/index.js')} Library */

/**
 * Something that the library stored. `put` may reject if the store itself refuses such bytes.
 * @typedef {object} StoredRecord
 * @property {string} name what it is, and where
 * @property {Buffer} bytes
 * @property {(bytes: Buffer, isText: boolean) => Promise<unknown>} put
 * @property {() => Promise<unknown>} remove
 * @property {() => Promise<unknown>} [repair] makes the store usable again, if nothing can be done while the damage lasts
 */

/**
 * An empty store, whose records anybody can spoil.
 * @typedef {object} Place
 * @property {Library} library
 * @property {(options: object) => Promise<Dict>} open
 * @property {() => Promise<StoredRecord[]>} records
 * @property {() => Promise<unknown>} [dispose]
 */

/** @typedef {{ create(): Promise<Place>, stop(): Promise<unknown> }} Store */

/** @type {Record<string, (dist: string) => Promise<Store>>} */
export const DAMAGEABLE = {
  async sqlite(dist) {
    const library = await libraryIn(dist)
    const folder = await mkdtemp(join(fastFolder(), 'durabledict-damage-'))
    let count = 0
    return {
      async create() {
        count += 1
        const file = join(folder, `${count}.db`)
        return {
          library,
          open: options => library.SqliteDict.open('d', file, options),
          records: () => sqliteRecords(file),
          dispose: () => Promise.all(['', '-wal', '-shm'].map(end => rm(`${file}${end}`, { force: true }))),
        }
      },
      stop: () => rm(folder, { recursive: true, force: true }),
    }
  },

  async redis(dist) {
    const library = await libraryIn(dist)
    const { createClient } = await import('redis')
    const server = await startServer(redis)
    const client = await createClient({ url: server.url }).connect()
    return {
      async create() {
        await client.sendCommand(['FLUSHALL'])
        return {
          library,
          open: options => library.RedisDict.open('d', client, options),
          records: () => redisRecords(args => client.sendCommand(args)),
        }
      },
      async stop() {
        client.destroy()
        await server.stop()
      },
    }
  },

  async postgres(dist) {
    const library = await libraryIn(dist)
    const { default: pg } = await import('pg')
    const server = await startServer(postgres)
    const pool = new pg.Pool({ connectionString: server.url })
    pool.on('error', () => {})
    return {
      async create() {
        await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
        return {
          library,
          open: options => library.PostgresDict.open('d', pool, options),
          records: () => postgresRecords((text, values) => pool.query(text, values)),
        }
      },
      async stop() {
        await pool.end()
        await server.stop()
      },
    }
  },

  async zookeeper(dist) {
    const library = await libraryIn(dist)
    const server = await startZookeeperNode()
    const { default: zookeeper } = await import('node-zookeeper-client')
    const client = zookeeper.createClient(server.address)
    client.connect()
    let count = 0
    return {
      async create() {
        count += 1
        const path = `/damage${count}`
        return {
          library,
          open: options => library.ZookeeperDict.open(path, server.address, options),
          records: () => zookeeperRecords(client, path),
        }
      },
      async stop() {
        client.close()
        await server.stop()
      },
    }
  },
}
