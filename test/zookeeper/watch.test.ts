import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ZookeeperDict } from '../../src/index.js'
import { until } from '../redis/support.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { clientOf } from './clients.js'
import { newPath, type Options, stepsAfterEach } from './support.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

const WAYS = {
  'its own session': async (path: string, options: Options = {}) => {
    const dict = await ZookeeperDict.open(path, server.address, options)
    cleanup.push(() => dict.close())
    return dict
  },
  'node-zookeeper-client': async (path: string, options: Options = {}) => {
    const { client, end } = clientOf(server.address)
    cleanup.push(end)
    const dict = await ZookeeperDict.open(path, client, options)
    cleanup.push(() => dict.close())
    return dict
  },
}

type Dict = Awaited<ReturnType<(typeof WAYS)['its own session']>>

/** Longer than the change log stores of a value: as text, and as bytes. */
const LONG = 'x'.repeat(2_000)

type Write =
  | readonly [key: string, value: unknown]
  | readonly [key: string]
  | 'clear'
  | Readonly<Record<string, unknown>>

async function write(dict: Dict, step: Write): Promise<void> {
  if (step === 'clear') await dict.clear()
  else if (!Array.isArray(step)) await dict.update(step as Record<string, unknown>)
  else if (step.length === 1) await dict.delete(step[0])
  else await dict.set(step[0], step[1])
}

/** The changes that `watch` delivers while the replica catches up once, as `key=value`, with long values shortened. */
async function watched(reader: Dict, catchUp: () => Promise<unknown>): Promise<string[]> {
  const reasons: string[] = []
  const onSync = ({ reason }: { reason: string }) => reasons.push(reason)
  reader.on('sync', onSync)
  const changes = reader.watch()
  await catchUp()
  reader.off('sync', onSync)
  expect(new Set(reasons)).toEqual(new Set(['changes']))
  const seen: string[] = []
  const end = Symbol('end')
  for (;;) {
    const next = await Promise.race([changes.next(), new Promise<symbol>(done => setImmediate(done, end))])
    if (typeof next === 'symbol' || next.done) break
    const { key, value } = next.value
    seen.push('value' in next.value && value !== undefined ? `${key}=${String(value).slice(0, 3)}` : `${key} deleted`)
  }
  await changes.return?.()
  return seen
}

const SHORT: readonly Write[] = [['n', 1], ['n', 2], ['m', 1], ['n'], ['n', 3]]
const SHORT_CHANGES = ['n=1', 'n=2', 'm=1', 'n deleted', 'n=3']

describe.each(Object.entries(WAYS))('watch, by %s', (_, open) => {
  test('delivers every change of other keys, wherever a long value is written among them', async () => {
    const path = newPath()
    const [writer, reader] = [await open(path), await open(path, { autosync: false })]
    for (let at = 0; at <= SHORT.length; at += 1) {
      await writer.clear()
      await reader.sync()
      for (const step of SHORT.toSpliced(at, 0, ['long', LONG])) await write(writer, step)
      const seen = await watched(reader, () => reader.sync())
      expect(seen, `position ${at}`).toEqual(SHORT_CHANGES.toSpliced(at, 0, 'long=xxx'))
    }
  })

  test('delivers every change of other keys, wherever two long values of one key are written among them', async () => {
    const path = newPath()
    const [writer, reader] = [await open(path), await open(path, { autosync: false })]
    for (let first = 0; first <= SHORT.length; first += 1) {
      for (let second = first; second <= SHORT.length; second += 1) {
        await writer.clear()
        await reader.sync()
        const steps = SHORT.toSpliced(second, 0, ['long', `later ${LONG}`]).toSpliced(first, 0, ['long', LONG])
        for (const step of steps) await write(writer, step)
        const seen = await watched(reader, () => reader.sync())
        // It may be there, if the reader has read in time.
        const others = seen.filter(change => change !== 'long=xxx')
        expect(others, `positions ${first} and ${second}`).toEqual(SHORT_CHANGES.toSpliced(second, 0, 'long=lat'))
        expect(new Map(reader.local)).toEqual(await stored(writer))
      }
    }
  })

  test('delivers everything known when long values are overwritten, deleted, cleared and updated with others', async () => {
    const path = newPath()
    const [writer, reader] = [await open(path), await open(path, { autosync: false })]
    await writer.update({ kept: 1, other: 1 })
    await reader.sync()
    const steps: readonly Write[] = [
      { a: LONG, n: 1 },
      { a: 'short', n: 2 },
      ['b', LONG],
      ['n', 3],
      ['b'],
      { c: LONG, d: LONG, n: 4 },
      ['kept', LONG],
      'clear',
      ['n', 5],
      { c: `last ${LONG}`, n: 6 },
      ['bytes', new Uint8Array(8)],
      ['n', 7],
    ]
    for (const step of steps) await write(writer, step)
    const seen = await watched(reader, () => reader.sync())
    expect(seen.filter(change => change.startsWith('n'))).toEqual([
      'n=1',
      'n=2',
      'n=3',
      'n=4',
      'n deleted',
      'n=5',
      'n=6',
      'n=7',
    ])
    const last = ['a=sho', 'a deleted', 'c=las', 'bytes=0,0']
    expect(seen.filter(change => last.includes(change))).toEqual(last)
    expect(seen).toContain('other deleted')
    expect(new Map(reader.local)).toEqual(await stored(writer))
  })

  test('shows no state that was never stored while it follows such changes', async () => {
    const path = newPath()
    const [writer, reader] = [await open(path), await open(path, { autosync: false })]
    await writer.update({ long: `0${LONG}`, n: 0 })
    await reader.sync()
    const states = new Set<string>()
    reader.on('change', () => states.add(`${String(reader.local.get('long')).slice(0, 1)}${reader.local.get('n')}`))
    for (let n = 1; n <= 3; n += 1) await writer.update({ long: `${n}${LONG}`, n })
    await reader.sync()
    await until(() => states.size > 0, 'the changes are delivered')
    for (const state of states) expect(state).toMatch(/^(\d)\1$/)
  })

  test('delivers every change of other keys to a live dictionary while one key is overwritten continuously', async () => {
    const path = newPath()
    const patient = { timeout: 30_000 }
    const [writer, busy] = [await open(path, patient), await open(path, patient)]
    const reader = await open(path, { live: true })
    const seen: unknown[] = []
    reader.on('change', ({ key, value }) => key === 'n' && seen.push(value))
    let writing = true
    const overwriting = (async () => {
      for (let round = 0; writing; round += 1) await busy.set('long', `${round} ${LONG}`)
    })()
    const count = 40
    for (let n = 1; n <= count; n += 1) await writer.set('n', n)
    await until(() => seen.at(-1) === count, 'the last one is delivered')
    writing = false
    await overwriting
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => n + 1))
  })
})

async function stored(dict: Dict): Promise<Map<string, unknown>> {
  return new Map(await dict.entries())
}
