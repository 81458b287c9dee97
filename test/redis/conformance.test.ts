import { afterAll, beforeAll, describe, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { conformance } from '../../src/conformance/index.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { CLIENTS, type Opened } from './clients.js'

let server: Server
let stores = 0

beforeAll(async () => {
  server = await startServer(redis)
})

afterAll(() => server.stop())

for (const [name, open] of Object.entries(CLIENTS)) {
  describe(name, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open(server.url)
    })
    afterAll(() => opened.end())
    conformance(
      { describe, test },
      {
        name: 'RedisBackend',
        missing: { bytes: 'a value is text, as whoever reads the hash sees it' },
        create() {
          stores += 1
          const store = `store ${stores}`
          return { backend: () => new RedisBackend(opened.client, store), dispose() {} }
        },
      },
    )
  })
}
