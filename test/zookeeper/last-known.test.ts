import { createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ZookeeperDict } from '../../src/index.js'
import { Door } from '../last-known/door.js'
import { checkMatrix, folder } from '../last-known/matrix.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { newPath } from './support.js'

let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server?.stop())

async function place(clientOf: (address: string) => Parameters<typeof ZookeeperDict.open>[1]) {
  const path = newPath()
  const door = await Door.to(server.port)
  onTestFinished(() => door.remove())
  const client = clientOf(`127.0.0.1:${door.port}`)
  return {
    open: (options: object) => ZookeeperDict.open(path, client, options),
    direct: () => ZookeeperDict.open(path, server.address),
    shut: () => door.shut(),
    reopen: () => door.open(),
  }
}

function notConnected(address: string) {
  const client = createClient(address, { spinDelay: 50 })
  onTestFinished(() => client.close())
  return client
}

test('dictionaries by connection string and on a client start without their ensemble', async () => {
  const places = await Promise.all([place(address => address), place(notConnected)])
  await Promise.all(places.map(each => checkMatrix(each, 3_000)))
})

test('open rejects if the chroot is missing, even with a last known file', async () => {
  const lastKnown = `${await folder()}/last.json`
  const path = newPath()
  await (await ZookeeperDict.open(path, server.address, { lastKnown })).close()
  const missing = ZookeeperDict.open(path, `${server.address}/no/such/chroot`, { lastKnown })
  await expect(missing).rejects.toThrow('chroot')
})
