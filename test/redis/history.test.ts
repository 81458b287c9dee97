import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { Script } from '../../src/backends/redis/script.js'
import history from '../../src/backends/redis/scripts/history.lua'
import type { Group, Operation } from '../../src/contract/backend.js'
import { DamagedValue } from '../../src/contract/damaged-value.js'
import type { StoredCommit } from '../../src/contract/history.js'
import { type IndexedCommit, retain } from '../../src/contract/retention.js'
import { HistoryError, MemoryStore, RedisDict } from '../../src/index.js'
import { checkClockJump } from '../clock-jump.js'
import { startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ByHand } from './by-hand.js'
import { nodeRedis } from './clients.js'

let server: RedisNode
let opened: Awaited<ReturnType<typeof nodeRedis>>
let store: ByHand
let backend: RedisBackend
let batches = 0

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  opened = await nodeRedis(server.url)
})

beforeEach(() => {
  store = new ByHand(opened.client as never)
  backend = new RedisBackend(opened.client, store.keys.entries)
})

afterAll(async () => {
  opened.end()
  await server.stop()
})

const group = (operations: readonly Operation[], by?: string): Group => ({
  conditions: [],
  operations,
  ...(by !== undefined && { attribution: { by } }),
})
const set = (key: string, stored: string): Operation => ({ type: 'set', key, stored })

async function commit(...groups: Group[]): Promise<void> {
  batches += 1
  const signal = new AbortController().signal
  await backend.commit({ id: `batch${batches}`, groups }, await backend.lastUpdated(), signal)
}

const ALL = { keep: 1_000_000, days: 90 }

const sidesOf = ({ changes }: StoredCommit<unknown>) =>
  changes
    .map(({ key, before, after }) => [key, before, after])
    .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1))

test('the script drops the same commits as retain()', async () => {
  const text = `
    local index = cjson.decode(ARGV[1])
    local gone, floor, dropped = history_tools().retain(index, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
    local positions = {}
    for number = 1, #index / 3 do
      if gone[number] then positions[#positions + 1] = tonumber(index[number * 3 - 2]) end
    end
    return cjson.encode({ { 0, unpack(positions) }, floor, dropped })`
  const script = new Script('retain', [history, text])
  const NOW = 1_000 * 86_400_000
  const one = fc.record({
    gap: fc.integer({ min: 1, max: 3 }),
    age: fc.integer({ min: 0, max: 3 }),
    key: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined }),
  })
  const property = fc.asyncProperty(
    fc.array(one, { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 0, max: 5 }),
    async (list, keep, floor) => {
      let position = 0
      const index: IndexedCommit[] = list.map(({ gap, age, key }) => {
        position += gap
        return { position, at: NOW - age * 86_400_000, key }
      })
      const flat = index.flatMap(({ position, at, key }) => [String(position), String(at), key ?? 1])
      const reply = await store.run(script, JSON.stringify(flat), String(keep), '2', String(NOW), String(floor))
      const [positions, newFloor, dropped] = JSON.parse(String(reply))
      const expected = retain(index, { keep, days: 2 }, NOW, floor)
      expect(positions.slice(1)).toEqual([...expected.positions].sort((one, other) => one - other))
      expect(newFloor).toBe(expected.floor)
      expect(new Map(Object.entries(dropped).map(([only, at]) => [only, Number(at)]))).toEqual(
        new Map(expected.dropped),
      )
    },
  )
  await fc.assert(property, { numRuns: Number(process.env.HISTORY_RUNS ?? 200) })
})

test('random batches leave the same history as in memory', async () => {
  const memory = new MemoryStore()
  memory.history.setPolicy(ALL)
  await backend.setHistoryPolicy(ALL)
  const key = fc.constantFrom('a', 'b', 'c')
  const value = fc.constantFrom('1', '2')
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ type: fc.constant('set' as const), key, stored: value }),
    fc.record({ type: fc.constantFrom('delete' as const, 'pop' as const), key }),
    fc.record({ type: fc.constant('setDefault' as const), key, stored: value }),
    fc.record({ type: fc.constant('touch' as const), key, before: fc.option(value, { nil: undefined }) }),
    fc.record({ type: fc.constant('clear' as const) }),
  )
  const groups = fc.array(fc.array(operation, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
  const property = fc.asyncProperty(groups, async lists => {
    const batch = lists.map((operations, index) => group(operations, index % 2 === 0 ? `author ${index}` : undefined))
    memory.commit({ groups: batch }, memory.version)
    await commit(...batch)
    const query = { limit: batch.length }
    const [found, expected] = [(await backend.history(query)).commits, memory.history.page('memory', query).commits]
    expect(found.map(sidesOf)).toEqual(expected.map(sidesOf))
    expect(found.map(({ by }) => by)).toEqual(expected.map(({ by }) => by))
  })
  await fc.assert(property, { numRuns: Number(process.env.HISTORY_RUNS ?? 100), endOnFailure: true })
})

describe('a change without an entry', () => {
  test('hides what is older at once, and the next writer begins again', async () => {
    await commit(group([set('a', '1')]))
    const [before] = (await backend.history({ limit: 1 })).commits
    // As a release without history does.
    const { entries, meta } = store.keys
    const head = String(await store.send('hget', meta, 'head'))
    await store.send('hset', entries, 'a', '2')
    await store.send(
      'hset',
      meta,
      'head',
      head.replace(/^\d+/, number => String(Number(number) + 1)),
    )
    expect(await backend.history({ limit: 10 })).toMatchObject({ commits: [], floor: expect.any(Number) })
    await commit(group([set('a', '3')]))
    const { commits, floor } = await backend.history({ limit: 10 })
    expect(commits.map(sidesOf)).toEqual([[['a', '2', '3']]])
    expect(floor).toBeGreaterThanOrEqual(before?.position as number)
  })

  test('by an external writer that adds an entry keeps the history', async () => {
    await commit(group([set('a', '1')]))
    await store.send('hset', store.keys.entries, 'b', '1')
    await commit(group([set('a', '2')]))
    expect((await backend.history({ limit: 10 })).commits).toHaveLength(2)
  })

  test('that had no effect leaves the history complete', async () => {
    const [since, { signal }] = [await backend.lastUpdated(), new AbortController()]
    await backend.commit({ id: 'asking', groups: [group([])], acknowledge: true }, since, signal)
    expect(await backend.history({ limit: 10 })).toMatchObject({ floor: 0, commits: [] })
    await commit(group([set('a', '1')]))
    expect(await backend.history({ limit: 10 })).toMatchObject({ floor: 0, commits: [{ position: 1 }] })
  })

  test('before the first commit shows as a floor', async () => {
    await store.send('hset', store.keys.entries, 'a', '1')
    await commit(group([set('a', '2')]))
    expect(await backend.history({ limit: 10 })).toMatchObject({ floor: 1, commits: [{ position: 2 }] })
  })
})

describe('ids', () => {
  test('never recur after a flush', async () => {
    await commit(group([set('a', '1')]))
    const [lost] = (await backend.history({ limit: 1 })).commits
    await store.send('flushall')
    await commit(group([set('a', '1')]))
    const [found] = (await backend.history({ limit: 1 })).commits
    expect(found?.position).toBe(lost?.position)
    expect(found?.id).not.toBe(lost?.id)
    await expect(backend.history({ before: lost?.id, limit: 1 })).rejects.toBeInstanceOf(HistoryError)
    expect((await backend.history({ id: lost?.id, limit: 1 })).commits).toEqual([])
  })

  test('never recur after a failover to a replica that had not received the latest commits', async () => {
    await commit(group([set('a', '1')]))
    const names = (await store.send('keys', '*')) as string[]
    for (const name of names) await store.send('copy', name, `copy of ${name}`)
    await commit(group([set('a', 'lost')]))
    const [lost] = (await backend.history({ limit: 1 })).commits
    for (const name of names) await store.send('rename', `copy of ${name}`, name)
    await commit(group([set('a', '2')]))
    const [found] = (await backend.history({ limit: 1 })).commits
    expect(found?.position).toBe(lost?.position)
    await expect(backend.history({ before: lost?.id, limit: 1 })).rejects.toBeInstanceOf(HistoryError)
    expect((await backend.history({ id: lost?.id, limit: 1 })).commits).toEqual([])
  })
})

test('a batch that is sent again is one commit, by its first author', async () => {
  const base = await store.head()
  await store.commit(base, 'x.1', 'w', 'b', 'ada', 's', 'a', '1')
  expect(await store.commit(base, 'x.2 r', 'w', 'b', 'bob', 's', 'a', '1')).toMatchObject({ status: 'dup' })
  expect((await backend.history({ limit: 5 })).commits).toMatchObject([{ by: 'ada' }])
})

test('a value before that is not text fails alone', async () => {
  const bytes = Buffer.from([0xff, 0xfe])
  await (opened.client as never as { hSet(...args: unknown[]): Promise<unknown> }).hSet(store.keys.entries, 'a', bytes)
  await commit(group([set('a', '1'), set('b', '2')]))
  const [found] = (await backend.history({ limit: 1 })).commits
  expect(found?.changes[0]?.before).toBeInstanceOf(DamagedValue)
  expect(found?.changes[1]?.after).toBe('2')
})

test('a clear renames the hash, and dropping its commit frees it', async () => {
  await commit(group(Array.from({ length: 3_000 }, (_, n) => set(`k${n}`, 'v'))))
  await commit(group([{ type: 'clear' }]))
  const [found] = (await backend.history({ limit: 1 })).commits
  expect(found?.changes).toHaveLength(3_000)
  const hash = `${store.keys.history}:${found?.position}`
  expect(await store.send('hlen', hash)).toBe(3_000)
  await backend.setHistoryPolicy(false)
  expect(await store.send('exists', hash)).toBe(0)
})

test('dropping the oldest commits leaves the index of the others, whatever their keys look like', async () => {
  const keys = ['"1","2",', 'a","b', '"3","4",1,', '\\"5","', 'ä"']
  for (const key of keys) await commit(group([set(key, '1')]))
  await backend.setHistoryPolicy({ keep: 3, days: 90 })
  const index = JSON.parse(`[${await store.send('get', `${store.keys.history}:index`)}0]`) as unknown[]
  expect(index.filter((_, at) => at % 3 === 2)).toEqual(keys.slice(2))
  expect(index.filter((_, at) => at % 3 === 0)).toEqual(['3', '4', '5', 0])
})

test('commits of more than a page of bytes are all listed', async () => {
  const long = 'x'.repeat(600_000)
  for (const end of ['1', '2', '3', '4']) await commit(group([set('a', long + end)]))
  const { commits } = await backend.history({ key: 'a', limit: 10 })
  expect(commits.map(({ changes }) => String(changes[0]?.after).at(-1))).toEqual(['4', '3', '2', '1'])
})

test('a policy that was lost with the data is recorded again by its openers', async () => {
  const name = store.keys.entries
  const dict = await RedisDict.open(name, opened.client as never, { history: { keep: 7, days: 3 } })
  await dict.set('a', 1)
  await store.send('flushall')
  await dict.sync()
  expect(await store.send('hget', store.keys.meta, 'keep')).toBe('7 3')
  await dict.close()
})

/** Changes the time of a commit, in its text and in the index. */
async function setTime(position: number, at: number): Promise<void> {
  const { history } = store.keys
  const place = String(position)
  const [text] = (await store.send('zrangebyscore', history, place, place)) as string[]
  await store.send('zremrangebyscore', history, place, place)
  await store.send('zadd', history, place, (text as string).replace(/ at \d+ /, ` at ${at} `))
  const index = (await store.send('get', `${history}:index`)) as string
  const flat: unknown[] = JSON.parse(`[${index.slice(0, -1)}]`)
  flat[(position - 1) * 3 + 1] = at
  await store.send('set', `${history}:index`, `${JSON.stringify(flat).slice(1, -1)},`)
}

test('the order is that of the commits, and none is dropped too early, when the clock of the server has jumped', async () => {
  const dict = await RedisDict.open(store.keys.entries, opened.client as never)
  await checkClockJump(dict, setTime)
  await dict.close()
})
