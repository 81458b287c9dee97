import type { Client } from 'node-zookeeper-client'
import { afterAll, beforeAll } from 'vitest'
import { METHODS_ALONE } from '../form.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { clientOf } from './clients.js'
import { conform } from './conform.js'

let server: ZookeeperNode
/** Each backend uses its own client, in turn, like another process: those of one client share its session. */
let clients: { client: Client; end(): void }[]
let given = 0

beforeAll(async () => {
  server = await startZookeeperNode()
  clients = [clientOf(server.address), clientOf(server.address), clientOf(server.address)]
})

afterAll(async () => {
  for (const { end } of clients) end()
  await server.stop()
})

const next = () => {
  given += 1
  return clients[given % clients.length]?.client
}

conform('node-zookeeper-client', next, METHODS_ALONE)
