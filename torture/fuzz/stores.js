// @ts-check
/** @import { Place } from './scene.js' */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fastFolder } from '../../test/servers/fast-folder.js'
import { postgres } from '../../test/servers/postgres.js'
import { redis } from '../../test/servers/redis.js'
import { startServer } from '../../test/servers/start.js'
import { startZookeeperNode } from '../../test/servers/zookeeper-nodes.js'
import { libraryIn } from './scene.js'

/** How to create an empty store, any number of times. @typedef {{ create(): Promise<Omit<Place, 'fileOf' | 'parseFile'>>, stop(): Promise<void> }} Store */

/** @type {Record<string, (dist: string) => Promise<Store>>} */
export const STORES = {
  async memory(dist) {
    const library = await libraryIn(dist)
    return {
      async create() {
        const store = new library.MemoryStore()
        return { library, open: options => library.MemoryDict.open(store, options), dispose: async () => {} }
      },
      async stop() {},
    }
  },

  async sqlite(dist) {
    const library = await libraryIn(dist)
    const folder = await mkdtemp(join(fastFolder(), 'durabledict-fuzz-'))
    const file = join(folder, 'fuzz.db')
    return {
      create: numbered(library, (name, options) => library.SqliteDict.open(name, file, options)),
      stop: () => rm(folder, { recursive: true, force: true }),
    }
  },

  async redis(dist) {
    const library = await libraryIn(dist)
    const { createClient } = await import('redis')
    const server = await startServer(redis)
    const client = await createClient({ url: server.url }).connect()
    return {
      create: numbered(library, (name, options) => library.RedisDict.open(name, client, options)),
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
      create: numbered(library, (name, options) => library.PostgresDict.open(name, pool, options)),
      async stop() {
        await pool.end()
        await server.stop()
      },
    }
  },

  async zookeeper(dist) {
    const library = await libraryIn(dist)
    const server = await startZookeeperNode()
    return {
      // Its other reads are sequentially consistent.
      create: numbered(library, (name, options) =>
        library.ZookeeperDict.open(`/${name}`, server.address, { ...options, consistency: 'linearizable' }),
      ),
      stop: () => server.stop(),
    }
  },
}

/** A dictionary of its own in one store for each program. @param {Place['library']} library @param {(name: string, options: any) => Promise<any>} open */
function numbered(library, open) {
  let count = 0
  return async () => {
    count += 1
    const name = `fuzz${count}`
    return { library, open: (/** @type {any} */ options) => open(name, options), dispose: async () => {} }
  }
}
