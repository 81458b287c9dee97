import { afterAll, beforeAll, describe, test } from 'vitest'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { findValkey } from '../servers/valkey.js'
import { ioredis6, nodeRedis } from './clients.js'
import { conform, TELLING_MODES } from './conform.js'

const valkey = await findValkey()

if (valkey) {
  let server: Server
  beforeAll(async () => {
    server = await startServer(valkey)
  })
  afterAll(() => server.stop())
  describe('Valkey', () => {
    conform('by node-redis', () => nodeRedis(server.url), TELLING_MODES)
    conform('by ioredis', () => ioredis6(server.url), TELLING_MODES)
  })
} else {
  test.skip('Valkey: not available on this machine', () => {})
}
