import { afterAll, beforeAll } from 'vitest'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { conform } from './conform.js'

let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

conform('its own session', () => server.address)
