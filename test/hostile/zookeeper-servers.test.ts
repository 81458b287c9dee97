import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Connection } from '../../src/backends/zookeeper/client/connection.js'
import { RECORD_LIMIT } from '../../src/backends/zookeeper/client/frames.js'
import { Output } from '../../src/backends/zookeeper/client/jute.js'
import { existsRequest, getDataRequest } from '../../src/backends/zookeeper/client/packets.js'
import { TooLarge } from '../../src/backends/zookeeper/transport.js'
import { StoreUnavailableError, ZookeeperDict } from '../../src/index.js'
import { inTime } from '../in-time.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { newPath, rejection, stepsAfterEach } from '../zookeeper/support.js'
import { greeting, type Lie, reply, startLyingServer } from './lying-server.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

const HUGE = 2n ** 62n
const hello: Lie = () => greeting(10_000)
const close: Lie = (_, socket) => void socket.destroy()

/** Servers that lie: their greeting, and their responses. */
const LIARS: Record<string, [greet: Lie, answer?: Lie]> = {
  'announces an endless session timeout': [() => greeting(2 ** 31 - 1), record => reply(record, HUGE, 0)],
  'greets without a password': [() => greeting(10_000, Buffer.alloc(0))],
  'greets with a password of a megabyte': [() => greeting(10_000, Buffer.alloc(2 ** 20))],
  'greets with a record of 2 GB': [() => Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  'greets with a record of 5 MiB': [() => new Output().bytes(Buffer.alloc(5 * 2 ** 20)).frame()],
  'responds to everything with only a huge transaction number': [hello, record => reply(record, HUGE, 0)],
  'rejects everything with a huge transaction number': [hello, record => reply(record, HUGE, -101)],
  'responds once with a huge transaction number, then closes': [
    hello,
    (record, socket) => {
      socket.end(reply(record, HUGE, -101))
      return undefined
    },
  ],
  'announces more children than it sends': [hello, record => reply(record, 1n, 0, new Output().int(2 ** 30).frame())],
  'sends empty events': [hello, () => new Output().int(-1).long(-1n).int(0).frame()],
  'rejects credentials that nobody sent': [hello, () => new Output().int(-4).long(0n).int(-115).frame()],
  'lacks persistent watches': [hello, record => reply(record, 1n, record.readInt32BE(4) === 14 ? -101 : -6)],
  'closes at once': [close],
  'closes after its greeting': [hello, close],
  'reports every session as expired': [() => greeting(0)],
}

describe.each(Object.entries(LIARS))('a server that %s', (_, [greet, answer]) => {
  test('is left for a healthy server', async () => {
    const liar = await startLyingServer(greet, answer)
    cleanup.push(() => liar.close())
    const path = newPath()
    const { soon } = await inTime(9_000, async () => {
      // The order is random: repeat until the lying server was first.
      for (let tries = 0; tries < 20 && liar.connections === 0; tries += 1) {
        const dict = await ZookeeperDict.open(path, `${liar.address},${server.address}`)
        await dict.set('n', tries)
        await dict.sync()
        await dict.close()
      }
    })
    expect(liar.connections).toBeGreaterThan(0)
    expect(soon).toBe(true)
  })
})

test('servers that greet and then close the connection are not retried without a pause', async () => {
  const liars = [await startLyingServer(hello, close), await startLyingServer(hello, close)]
  cleanup.push(() => liars.map(liar => liar.close()))
  const servers = liars.map(({ address }) => address).join(',')
  await rejection(ZookeeperDict.open(newPath(), servers, { timeout: 1_000 }))
  const connections = liars.reduce((sum, one) => sum + one.connections, 0)
  expect(connections).toBeGreaterThan(2)
  expect(connections).toBeLessThan(60)
})

test('fails for good if no server accepts the credentials or supports persistent watches', async () => {
  const CODES: Record<number, number> = { 14: -101, 100: 0 }
  const tooOld: Lie = record => reply(record, 1n, CODES[record.readInt32BE(4)] ?? -6)
  const refuses: Lie = record => (record.readInt32BE(0) === -4 ? reply(record, 0n, -115) : undefined)
  for (const [answer, message] of [
    [tooOld, '3.6'],
    [refuses, 'AUTH_FAILED'],
  ] as const) {
    const liars = [await startLyingServer(hello, answer), await startLyingServer(hello, answer)]
    cleanup.push(() => liars.map(liar => liar.close()))
    const servers = liars.map(({ address }) => address).join(',')
    const error = await rejection(ZookeeperDict.open(newPath(), `ann:secret@${servers}`, { timeout: 8_000 }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('secret')
  }
})

test('a response that is too long fails alone: the connection and later responses are unaffected', async () => {
  const long = Buffer.alloc(RECORD_LIMIT, 1)
  const stat = new Output()
    .long(1n)
    .long(2n)
    .long(3n)
    .long(4n)
    .int(5)
    .int(6)
    .int(7)
    .long(0n)
    .int(8)
    .int(9)
    .long(10n)
    .frame()
  const liar = await startLyingServer(hello, record =>
    record.readInt32BE(4) === 4 ? reply(record, 1n, 0, long) : reply(record, 1n, 0, stat.subarray(4)),
  )
  cleanup.push(() => liar.close())
  const [host = '', port] = liar.address.split(':')
  const answers: unknown[] = []
  await new Promise<void>((resolve, reject) => {
    const connection = new Connection(
      { host, port: Number(port) },
      {
        opened: () => connection.say(new Output().int(0).frame()),
        greeted() {
          for (const toRecord of [getDataRequest, existsRequest]) {
            connection.ask(
              xid => toRecord(xid, '/a'),
              () => 'read',
              (fault, value) => {
                if (answers.push(fault ?? value) === 2) resolve()
              },
            )
          }
        },
        changed() {},
        childrenChanged() {},
        seen() {},
        closed: reject,
      },
    )
    cleanup.push(() => connection.destroy(new Error('The test is over.')))
  })
  expect(answers[0]).toBeInstanceOf(TooLarge)
  expect(answers[1]).toBe('read')
})

test('a server that imitates a whole ensemble delays recovery by at most the session timeout', async () => {
  // It forwards the responses of the healthy server, with other transaction numbers.
  const { startMeddlingProxy } = await import('../zookeeper/meddling-proxy.js')
  const proxy = await startMeddlingProxy(server.port)
  cleanup.push(() => proxy.close())
  const raise = (answer: Buffer): Buffer => {
    proxy.meddle(raise)
    if (answer.length >= 20 && answer.readInt32BE(4) > 0) answer.writeBigInt64BE(HUGE, 8)
    return answer
  }
  proxy.meddle(raise)
  const dict = await ZookeeperDict.open(newPath(), `${proxy.address},${server.address}`, {
    sessionTimeout: 900,
    timeout: 15_000,
  })
  cleanup.push(() => dict.close())
  await dict.set('n', 1)
  proxy.close()
  await delay(50)
  await dict.set('n', 2)
  expect(await dict.get('n')).toBe(2)
})
