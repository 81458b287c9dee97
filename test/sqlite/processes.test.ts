import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { modernNode } from '../../scripts/modern-node.js'
import { SqliteDict } from '../../src/index.js'
import { backendOf } from './backend.js'
import { type Child, children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

/** What a process uses while nothing happens: its share of a core, and how often it wakes up, in times a second. */
interface Idle {
  readonly share: number
  readonly wakes: number
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number

/** Resolves when the child has reported that many events. */
function reports<V>(child: Child, event: string, count: number): Promise<V[]> {
  return new Promise(resolve => {
    const values: V[] = []
    child.on(event, value => values.push(value) === count && resolve(values))
  })
}

/** What the latest commits stored, newest first. */
async function historyOf(file: string, limit: number): Promise<unknown[]> {
  const backend = await backendOf('d', file)
  const { commits } = await backend.history({ limit })
  backend.close()
  return commits.map(({ changes: [change] }) => change?.after)
}

describe('Several processes', { timeout: 60_000 }, () => {
  it.each([20, 24])('that start together create one dictionary, and none hangs afterwards (Node %i)', async major => {
    const execPath = await modernNode(major)
    const all = await Promise.all([1, 2, 3, 4].map(() => startChild({ execPath })))
    for (let round = 0; round < 6; round += 1) {
      const file = await fileIn()
      await Promise.all(all.map(child => child.do('open', 'd', file, { live: true, maxStaleness: 400 })))
      await Promise.all(all.map((child, n) => child.do('call', 'set', `key${n}`, n)))
      for (const child of all) await child.do('call', 'set', 'latest', round)
      // A new connection sees the same as each of them.
      const fresh = await SqliteDict.open('d', file)
      expect(await fresh.size()).toBe(all.length + 1)
      for (const child of all) {
        await child.do('call', 'sync')
        expect(await child.do('version')).toBe(fresh.version)
      }
      await Promise.all([fresh.close(), ...all.map(child => child.do('call', 'close'))])
    }
  })

  it('with different engines share a file', async () => {
    const file = await fileIn()
    const [one, two] = [await startChild(), await startChild({ execPath: await modernNode(24) })]
    await one.do('open', 'd', file)
    await two.do('open', 'd', file)
    await one.do('call', 'set', 'a', 1)
    expect(await two.do('call', 'get', 'a')).toBe(1)
    await Promise.all(
      [one, two].flatMap(child => Array.from({ length: 50 }, (_, n) => child.do('call', 'set', 'n', n))),
    )
    await two.do('call', 'set', 'b', 'last')
    expect(await one.do('call', 'entries')).toEqual(await two.do('call', 'entries'))
  })

  it.each([20, 24])('write at the same time, and no write is lost (Node %i)', async major => {
    const file = await fileIn()
    const execPath = await modernNode(major)
    const all = await Promise.all([1, 2, 3].map(() => startChild({ execPath })))
    await Promise.all(all.map(child => child.do('open', 'd', file)))
    const writes = all.map((child, c) =>
      (async () => {
        for (let n = 0; n < 100; n += 1) await child.do('call', 'set', `${c}.${n}`, n)
      })(),
    )
    await Promise.all(writes)
    for (const child of all) expect(await child.do('call', 'size')).toBe(300)
    // A new connection sees the same.
    const fresh = await SqliteDict.open('d', file)
    for (const child of all) expect(await child.do('version')).toBe(fresh.version)
    await fresh.close()
  })

  it.each([20, 24])('that are killed during writes lose no acknowledged write (Node %i)', async major => {
    const file = await fileIn()
    for (const acknowledged of [1, 7, 40]) {
      const child = await startChild({ execPath: await modernNode(major) })
      await child.do('open', 'd', file)
      let latest = 0
      child.on('acknowledged', n => {
        latest = n
        if (n >= acknowledged) child.process.kill('SIGKILL')
      })
      void child.do('count')
      await child.ended
      expect(latest).toBeGreaterThanOrEqual(acknowledged)
      const dict = await SqliteDict.open('d', file)
      const n = (await dict.get('n')) as number
      expect(n, 'what was acknowledged, or the one write that was under way').toBeGreaterThanOrEqual(latest)
      expect(await historyOf(file, n), 'each write is one commit').toEqual(
        Array.from({ length: n }, (_, i) => `${n - i}`),
      )
      await dict.set('n', 0)
      await dict.close()
    }
  })
})

describe('A loop of awaited writes', () => {
  it('lets the event loop run', async () => {
    const dict = await SqliteDict.open('d', await fileIn())
    let stop = false
    setTimeout(() => {
      stop = true
    }, 50)
    let n = 0
    while (!stop && n < 100_000) {
      n += 1
      await dict.set('n', n)
    }
    expect(stop).toBe(true)
    expect(await dict.get('n')).toBe(n)
    await dict.close()
  })
})

describe('Live memory', { timeout: 60_000 }, () => {
  it.each([20, 24])("notices another process's write within 20 ms at the median (Node %i)", async major => {
    const file = await fileIn()
    const execPath = await modernNode(major)
    const [reader, writer] = [await startChild({ execPath }), await startChild({ execPath })]
    await reader.do('open', 'd', file, { live: true, autosync: false })
    await reader.do('report')
    await writer.do('open', 'd', file)
    const latencies: number[] = []
    const turns: number[] = []
    for (let n = 0; n < 101; n += 1) {
      const seen = once(reader, 'latency')
      await writer.do('setToNow', 'key')
      latencies.push((await seen)[0])
      const askedAt = performance.now()
      await reader.do('version')
      turns.push(performance.now() - askedAt)
    }
    console.log(`Live latency on Node ${major}: median ${median(latencies).toFixed(2)} ms, from before the write`)
    // Other load on the machine delays every message to the reader, not only this one.
    expect(median(latencies)).toBeLessThan(20 + median(turns))
  })

  it('misses no change of a fast writer', async () => {
    const file = await fileIn()
    const [reader, writer] = [await startChild(), await startChild()]
    await reader.do('open', 'd', file, { live: true, autosync: false })
    await reader.do('report')
    await writer.do('open', 'd', file)
    const seen = reports(reader, 'latency', 200)
    for (let n = 0; n < 200; n += 1) void writer.do('setToNow', `key${n}`)
    expect(await seen).toHaveLength(200)
    expect(await reader.do('local')).toHaveLength(200)
  })

  it.each([20, 24])('costs little while nothing happens (Node %i)', async major => {
    const execPath = await modernNode(major)
    const [live, bare] = [await startChild({ execPath }), await startChild({ execPath })]
    await live.do('open', 'd', await fileIn(), { live: true, autosync: false })
    await bare.do('openHandle', await fileIn())
    await bare.do('askRegularly', 100)
    const idle = () => Promise.all([live, bare].map(child => child.do<Idle>('idle', 1_000)))
    // The first second belongs to the compiler and the garbage collector.
    await idle()
    const measured = [await idle(), await idle(), await idle()] as [Idle, Idle][]
    const least = (of: (pair: [Idle, Idle]) => number) => Math.min(...measured.map(of))
    console.log(`Idle live dictionary on Node ${major}: ${(least(([one]) => one.share) * 100).toFixed(2)} % of a core`)
    // It polls ten times a second. What a process does costs more on a busy machine, but it wakes up no more often …
    expect(least(([one]) => one.wakes)).toBeLessThan(25)
    // … and costs about as much as any process that asks SQLite ten times a second: a few tenths of a percent of a core.
    expect(least(([one, other]) => one.share / other.share)).toBeLessThan(4)
  })

  it.each([20, 24])('does not keep a process alive (Node %i)', async major => {
    const child = await startChild({ execPath: await modernNode(major) })
    await child.do('open', 'd', await fileIn(), { live: true })
    child.process.disconnect()
    expect(await child.ended).toBe(0)
  })
})
