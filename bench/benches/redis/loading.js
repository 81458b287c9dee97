// @ts-check
import { start } from '../../in-process.js'
import { collect, compare, percentile, sink } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { withEachClient } from './clients.js'
import { connect, makeHash } from './server.js'

/** Opening 100,000 entries, against reading the hash. @type {import('../../types.js').Bench} */
export async function loading({ quick }) {
  const size = quick ? 5_000 : 100_000
  const { url, name } = await makeHash(size)
  return withEachClient(url, async client => [await wallTime(client, name, size, quick ? 3 : 21)])
}

/** The same for 1,000,000 entries, and how long others have to wait meanwhile. @type {import('../../types.js').Bench} */
export async function loadingMillion({ quick }) {
  const size = quick ? 20_000 : 1_000_000
  const { url, name } = await makeHash(size)
  return withEachClient(url, async client => {
    const wall = await wallTime(client, name, size, quick ? 1 : 5)
    return [wall, ...(client.name === 'node-redis' ? await stalls(client, url, name, size, quick ? 1 : 5) : [])]
  })
}

/** @param {import('./clients.js').Client} client @param {string} name @param {number} size @param {number} rounds */
async function wallTime(client, name, size, rounds) {
  const measured = await compare({
    ours: () =>
      timed(
        () => client.open(name),
        dict => dict.local.size,
        dict => dict.close(),
      ),
    base: () =>
      timed(
        () => client.hgetall(name),
        all => (all ? 1 : 0),
      ),
    rounds,
    warmUp: 1,
  })
  return compared(`open, ${size.toLocaleString('en')} entries (${client.name})`, 'HGETALL', measured, { atMost: 1.5 })
}

/**
 * The time of the work alone, without garbage of the previous round and without closing.
 * @template R
 * @param {() => Promise<R>} work
 * @param {(result: R) => number} use
 * @param {(result: R) => unknown} [close]
 */
async function timed(work, use, close) {
  collect()
  const started = performance.now()
  const result = await work()
  const elapsed = performance.now() - started
  sink(use(result))
  await close?.(result)
  return elapsed * 1e6
}

/**
 * The longest PING of another process meanwhile, and the longest command by the server's own clock.
 * @param {import('./clients.js').Client} client @param {string} url @param {string} name @param {number} size @param
 * {number} rounds
 */
async function stalls(client, url, name, size, rounds) {
  const admin = await connect(url)
  await admin.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', '100'])
  const prober = await startProber(url)
  /** @param {() => Promise<unknown>} work */
  const during = async work => {
    collect()
    await admin.sendCommand(['SLOWLOG', 'RESET'])
    await prober.reset()
    await work()
    const ping = await prober.longest()
    const slow = /** @type {[number, number, number][]} */ (await admin.sendCommand(['SLOWLOG', 'GET', '-1']))
    return { ping, command: Math.max(0, ...slow.map(([, , micros]) => micros)) * 1e3 }
  }
  const [opening, reading, nothing] = [[], [], []].map(() => /** @type {Awaited<ReturnType<typeof during>>[]} */ ([]))
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now()
    opening?.push(await during(async () => (await client.open(name)).close()))
    const took = performance.now() - began
    reading?.push(await during(() => client.hgetall(name)))
    nothing?.push(await during(() => keepBusy(client, took)))
  }
  prober.end()
  await admin.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', '10000'])
  admin.destroy()
  const median = (/** @type {typeof opening} */ all, /** @type {'ping' | 'command'} */ what) =>
    percentile(
      (all ?? []).map(one => one[what]),
      0.5,
    )
  const title = `${size.toLocaleString('en')} entries`
  return [
    judged({
      name: `longest PING of another process during open, ${title}`,
      ours: { value: median(opening, 'ping'), unit: 'ns' },
      base: { name: 'during HGETALL', value: median(reading, 'ping'), unit: 'ns' },
      target: { atMost: 10e6 },
    }),
    judged({
      name: 'the same for as long during pipelined GETs: the noise of this machine',
      ours: { value: median(nothing, 'ping'), unit: 'ns' },
    }),
    judged({
      name: `longest command during open, ${title}, by SLOWLOG`,
      ours: { value: median(opening, 'command'), unit: 'ns' },
      base: { name: 'HGETALL', value: median(reading, 'command'), unit: 'ns' },
    }),
  ]
}

/**
 * Keeps this process and the server equally busy, with commands that block no one. @param
 * {import('./clients.js').Client} client @param {number} ms
 */
async function keepBusy(client, ms) {
  const until = performance.now() + ms
  while (performance.now() < until) await Promise.all(Array.from({ length: 100 }, () => client.get('plain')))
}

/** @param {string} url */
async function startProber(url) {
  const child = start(new URL('../../tasks/redis-prober.js', import.meta.url), [url])
  const answer = () => new Promise(resolve => child.once('message', resolve))
  await answer()
  return {
    async reset() {
      child.send('reset')
      await answer()
    },
    /** @returns {Promise<number>} */
    async longest() {
      child.send('longest')
      return /** @type {number} */ (await answer())
    },
    end: () => child.kill(),
  }
}
