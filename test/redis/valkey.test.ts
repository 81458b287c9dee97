import { afterAll, beforeAll, describe, test } from 'vitest'
import { METHODS_ALONE } from '../form.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { findValkey } from '../servers/valkey.js'
import { ioredis6, nodeRedis } from './clients.js'
import { conform } from './conform.js'

const valkey = await findValkey()

if (valkey) {
  let server: Server
  beforeAll(async () => {
    server = await startServer(valkey)
  })
  afterAll(() => server.stop())
  describe('Valkey', () => {
    conform('by node-redis', () => nodeRedis(server.url), METHODS_ALONE)
    conform('by ioredis', () => ioredis6(server.url), METHODS_ALONE)
  })
} else {
  test.skip('Valkey: not available on this machine', () => {})
}
