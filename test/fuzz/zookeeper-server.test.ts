import { expect, test } from 'vitest'
import { Output } from '../../src/backends/zookeeper/client/jute.js'
import { DurableDictError, ZookeeperDict } from '../../src/index.js'
import { mutate } from '../../torture/fuzz/mutate.js'
import { Random } from '../../torture/random.js'
import { LONG } from '../form.js'
import { greeting, reply, startLyingServer } from '../hostile/lying-server.js'

/** How many servers lie. */
const SERVERS = LONG ? 1_000 : 25

/** Servers that a process connects to at the same time: most of their time is waiting. */
const AT_ONCE = 5

/** How long a call may take, in ms: its timeout, and what a busy machine adds. */
const PATIENCE = 10_000

const stat = () =>
  new Output().long(1n).long(2n).long(3n).long(4n).int(5).int(6).int(7).long(0n).int(8).int(9).long(10n)
const body = (output: Output) => output.frame().subarray(4)

/** What a server may answer, whatever was asked. */
const ANSWERS = [
  body(stat()),
  Buffer.concat([body(new Output().bytes(Buffer.from('["x.0","c"]'))), body(stat())]),
  Buffer.concat([body(new Output().int(2).text('a').text('bc')), body(stat())]),
  body(new Output().int(-1).bool(true).int(-1)),
  body(new Output().int(4).int(3).text('/app')),
]

async function meet(random: Random): Promise<void> {
  const server = await startLyingServer(
    () => (random.chance(0.5) ? greeting(900) : mutate([greeting(900)], random)),
    record =>
      mutate(
        ANSWERS.map(answer => reply(record, 5n, random.pick([0, 0, -101, -110]), answer)),
        random,
      ),
  )
  const start = performance.now()
  try {
    const dict = await ZookeeperDict.open('/app', server.address, { timeout: 100, live: random.chance(0.5) })
    await Promise.allSettled([dict.get('a'), dict.set('a', 1), dict.sync()])
    await dict.close()
  } catch (error) {
    expect(error).toBeInstanceOf(DurableDictError)
  } finally {
    server.close()
  }
  expect(performance.now() - start).toBeLessThan(PATIENCE)
}

test('a ZooKeeper server that sends anything at all makes calls reject', { timeout: 600_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
    const random = new Random(seed + lane)
    for (let count = 0; count < SERVERS / AT_ONCE; count += 1) await meet(random)
  })
  await Promise.all(lanes)
})
