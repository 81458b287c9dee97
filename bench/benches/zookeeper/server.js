// @ts-check
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ZookeeperDict } from '../../../dist/index.js'
import { root } from '../../../scripts/run.js'
import { fourLetters } from '../../../test/servers/zookeeper.js'
import { startZookeeperNode } from '../../../test/servers/zookeeper-nodes.js'
import { makeEntries } from '../../samples.js'

/** How many entries are written at a time. */
const CHUNK = 1_000

/** The length of the clock tick in which Linux counts the time of a process, in ns. */
const TICK = 1e7

/** @type {ReturnType<typeof start> | undefined} */
let starting

/** The host and port of a server that this process started. */
async function serverAddress() {
  starting ??= start()
  return (await starting).address
}

/** ZooKeeper waits for its disk at each write by default, so its folder must not be in memory. */
async function start() {
  process.env.TMPDIR = join(root, '.cache')
  return startZookeeperNode({}, ['forceSync=yes'])
}

/** For how long the server has used a core so far, in ns; 0 where the system does not say. */
export async function busyTime() {
  starting ??= start()
  const stat = await readFile(`/proc/${(await starting).pid}/stat`, 'utf8').catch(() => '')
  const [user = 0, system = 0] = stat.split(') ').at(-1)?.split(' ').slice(11, 13).map(Number) ?? []
  return (user + system) * TICK || 0
}

/** The server's response to a four-letter command. @param {string} word */
async function ask(word) {
  return fourLetters(Number((await serverAddress()).split(':')[1]), word)
}

/** The server's version. */
export async function describeServer() {
  const version = /^Zookeeper version: ([\d.]+)/m.exec(await ask('srvr'))?.[1]
  return `ZooKeeper ${version}, one server on this machine, an fsync at each write`
}

/** A dictionary of so many samples. @param {number} count */
export async function makeDict(count) {
  const address = await serverAddress()
  const path = `/bench/${randomUUID()}`
  const filler = await ZookeeperDict.open(path, address)
  for (let start = 0; start < count; start += CHUNK) {
    await filler.update(makeEntries(Math.min(CHUNK, count - start), start))
  }
  await filler.close()
  return { address, path }
}

/** How many requests some work sends to the server. @param {() => Promise<unknown>} work */
export async function requestsOf(work) {
  const between = async (/** @type {() => Promise<unknown>} */ counted) => {
    const before = await received()
    await counted()
    return (await received()) - before
  }
  // The measurement itself counts.
  const own = await between(async () => {})
  return (await between(work)) - own
}

async function received() {
  return Number(/^Received: (\d+)/m.exec(await ask('srvr'))?.[1])
}
