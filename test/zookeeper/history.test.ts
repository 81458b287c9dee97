import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { ageOf } from '../../src/backends/zookeeper/history-age.js'
import { HistoryTrimmer } from '../../src/backends/zookeeper/history-trimmer.js'
import { HistoryZnodes } from '../../src/backends/zookeeper/history-znodes.js'
import { Names } from '../../src/backends/zookeeper/names.js'
import { Session } from '../../src/backends/zookeeper/session.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import { DecodingError, type DurableDict, JSONEncoding, UnsupportedError, ZookeeperDict } from '../../src/index.js'
import { startCuttingProxy } from '../redis/cutting-proxy.js'
import { until } from '../redis/support.js'
import type { ZookeeperNode } from '../servers/types.js'
import { fourLetters } from '../servers/zookeeper.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from './by-hand.js'
import { newPath, type Options, rejection, stepsAfterEach } from './support.js'

const SESSION = 900

/** The folder of the first commits. */
const FOLDER = 'from-0000000001'

const cleanup = stepsAfterEach()
let server: ZookeeperNode
let hand: ByHand

beforeAll(async () => {
  server = await startZookeeperNode()
  hand = await byHand(server.address)
})

afterAll(async () => {
  hand.end()
  await server.stop()
})

async function open(path: string, options: Options = {}, address = server.address): Promise<DurableDict> {
  const encoding = new JSONEncoding()
  const dict = await ZookeeperDict.open(path, address, { sessionTimeout: SESSION, encoding, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** The commits, newest first: author, and each change. */
async function commitsOf(dict: DurableDict, limit?: number): Promise<string[]> {
  const commits: string[] = []
  for await (const { by = '', via, changes } of dict.history({ limit })) {
    const what = changes.map(({ key, before, after }) => `${key}: ${before} > ${after}`)
    commits.push([by, via, ...what].join(' '))
  }
  return commits
}

/** A commit, with its changes in alphabetic order. */
const sorted = (commit: string) =>
  commit
    .split(/ (?=\w+: )/)
    .sort()
    .join(' ')

/** The paths of the commits, below the znode of the history. */
async function entriesOf(path: string): Promise<string[]> {
  const folders = (await hand.children(`${path}/%log-history`)).sort()
  const names = await Promise.all(folders.map(folder => hand.children(`${path}/%log-history/${folder}`)))
  return folders.flatMap((folder, index) => (names[index] ?? []).sort().map(name => `${folder}/${name}`))
}

/** How many requests some work sends to the server, besides the measurement. */
async function requestsOf(work: () => Promise<unknown>): Promise<number> {
  const received = async () => Number(/^Received: (\d+)/m.exec(await fourLetters(server.port, 'srvr'))?.[1])
  const before = await received()
  await work()
  return (await received()) - before - 1
}

/** Writes a value as a release without a history does: what it does not know is missing from its head. */
async function writeAsBefore(path: string, key: string, value: string): Promise<void> {
  const [first = '', ...log] = (await hand.get(`${path}/%version`)).split('\n')
  const { history: _, notes: __, ...head } = JSON.parse(first)
  const id = `before${head.number}.0`
  await hand.set(`${path}/${key}`, value)
  const next = { ...head, number: head.number + 1, id }
  await hand.set(
    `${path}/%version`,
    [next, ...log.map(line => JSON.parse(line)), [id, 's', key, value]].map(one => JSON.stringify(one)).join('\n'),
  )
}

/** The warnings since then. */
function warnings(): string[] {
  const seen: string[] = []
  const note = (warning: Error) => void seen.push(warning.message)
  process.on('warning', note)
  cleanup.push(() => process.off('warning', note))
  return seen
}

test('a commit can be read by hand', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('theme', 'dark', { by: 'ada', reason: 'night' })
  await Promise.all([dict.set('a/b', 1), dict.set('x'.repeat(100), 2)])
  expect(await entriesOf(path)).toEqual([`${FOLDER}/0000000001.1.1=theme`, `${FOLDER}/0000000002.2.1`])
  const [first, commit] = (await hand.get(`${path}/%log-history/${FOLDER}/0000000001.1.1=theme`)).split('\n')
  expect(JSON.parse(first as string)).toMatchObject({ format: 1 })
  const changes = [['theme', null, '"dark"']]
  expect(JSON.parse(commit as string)).toEqual({ position: 1, by: 'ada', reason: 'night', changes })
})

test('a change by a release without a history hides everything before, at once and for good', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1, { by: 'ada' })
  await writeAsBefore(path, 'a', '2')
  expect(await commitsOf(dict)).toEqual([])
  await dict.sync()
  await dict.set('a', 3, { by: 'bob' })
  expect(await commitsOf(dict)).toEqual(['bob library a: 2 > 3'])
  expect(await commitsOf(await open(path, { readOnly: true }))).toEqual(['bob library a: 2 > 3'])
})

test('a dictionary from before the history is upgraded by the first write', async () => {
  const path = newPath()
  await (await open(path)).set('a', 1)
  await writeAsBefore(path, 'a', '2')
  await hand.removeAll(`${path}/%log-history`)
  const dict = await open(path)
  expect(await commitsOf(dict)).toEqual([])
  await dict.set('a', 3)
  expect(await commitsOf(dict)).toEqual([' library a: 2 > 3'])
  const backend = new ZookeeperBackend(path, opener(server.address))
  cleanup.push(() => backend.close())
  expect((await backend.history({ limit: 1 })).floor).toBeGreaterThan(0)
})

test('children that external writers create and delete are a commit from outside', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.update({ a: 1, b: 2 }, { by: 'ada' })
  await hand.create(`${path}/c`, '3')
  await hand.remove(`${path}/b`)
  await until(async () => (await commitsOf(dict)).length >= 2, 'they are recorded', 5 * SESSION)
  await until(async () => (await commitsOf(dict)).join().includes('b: 2 > undefined'), 'both are', 5 * SESSION)
  const found = await commitsOf(dict)
  expect(found.at(-1)).toBe('ada library a: undefined > 1 b: undefined > 2')
  expect(found.slice(0, -1).every(commit => commit.startsWith(' outside '))).toBe(true)
  expect(found.join()).toContain('c: undefined > 3')
})

test('a child that an external writer creates is recorded by the write that meets it', async () => {
  const path = newPath()
  const dict = await open(path, { autosync: false })
  await dict.set('a', 1)
  await hand.create(`${path}/b`, '5')
  await dict.set('b', 6, { by: 'ada' })
  expect(await commitsOf(dict)).toEqual([
    'ada library b: 5 > 6',
    ' outside b: undefined > 5',
    ' library a: undefined > 1',
  ])
})

test('what external writers did is recorded before a write that comes while it is being found out', async () => {
  const path = newPath()
  const dict = await open(path, { autosync: false, sessionTimeout: 10_000 })
  await dict.set('a', 'first')
  for (let n = 0; n < 10; n += 1) {
    await hand.create(`${path}/b${n}`, `${n}`)
    await delay(46 + n)
    await Promise.all([dict.set('a', n), dict.set(`b${n}`, 'ours')])
  }
  const found = (await commitsOf(dict)).join('\n')
  for (let n = 0; n < 10; n += 1) expect(found).toContain(` outside b${n}: undefined > ${n}`)
  expect(found).toContain(' library a: undefined > first')
})

describe('what external writers did while no process was there', () => {
  const plant = (path: string) => hand.create(`${path}/c`, '3')
  const remove = (path: string) => hand.remove(`${path}/b`)
  const edit = (path: string) => hand.set(`${path}/a`, '7')

  test.each([
    ['a planted znode', plant, 'c: undefined > 3'],
    ['a deleted znode', remove, 'b: 2 > undefined'],
    ['changed data', edit, 'a: 1 > 7'],
    [
      'an overwritten version and a planted znode',
      (path: string) => Promise.all([hand.set(`${path}/%version`, 'x'), plant(path)]),
      'c: undefined > 3',
    ],
    [
      'a deleted version and a deleted znode',
      (path: string) => Promise.all([hand.remove(`${path}/%version`), remove(path)]),
      'b: 2 > undefined',
    ],
    [
      'all of that',
      (path: string) => Promise.all([plant(path), remove(path), edit(path)]),
      'b: 2 > undefined a: 1 > 7 c: undefined > 3',
    ],
  ])('is one commit from outside: %s', async (_, change, recorded) => {
    const path = newPath()
    const dict = await open(path)
    await dict.update({ a: 1, b: 2 }, { by: 'ada' })
    await dict.close()
    warnings()
    await change(path)
    const other = await open(path, { history: { keep: 500, days: 9 } })
    const all = [` outside ${recorded}`, 'ada library a: undefined > 1 b: undefined > 2']
    expect((await commitsOf(other)).map(sorted)).toEqual(all.map(sorted))
    await other.set('d', 4)
    expect((await commitsOf(await open(path))).slice(1).map(sorted)).toEqual(all.map(sorted))
  })

  test('is found although the commits of other keys were dropped', async () => {
    const path = newPath()
    const dict = await open(path, { history: { keep: 8, days: 90 } })
    for (let n = 0; n < 16; n += 1) await dict.set(`k${n}`, n)
    await dict.close()
    await Promise.all([hand.create(`${path}/c`, '3'), hand.set(`${path}/k0`, '"edited"'), hand.remove(`${path}/k15`)])
    const other = await open(path)
    for await (const { via, changes } of other.history({ limit: 1 })) {
      expect([via, ...changes.map(({ key }) => key).sort()]).toEqual(['outside', 'c', 'k0', 'k15'])
      expect(changes.find(({ key }) => key === 'c')?.before).toBe(undefined)
      expect(() => changes.find(({ key }) => key === 'k0')?.before).toThrow(DecodingError)
      expect(changes.find(({ key }) => key === 'k15')?.before).toBe(15)
    }
  })

  test('hides no commit from a process that may only read', async () => {
    const path = newPath()
    const dict = await open(path)
    await dict.set('a', 1, { by: 'ada' })
    await dict.close()
    await plant(path)
    expect(await commitsOf(await open(path, { readOnly: true }))).toEqual(['ada library a: undefined > 1'])
  })
})

test('an overwritten version hides no commit, and the next write continues the history', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1, { by: 'ada' })
  warnings()
  await hand.set(`${path}/%version`, 'x')
  await dict.sync()
  await dict.set('a', 2)
  expect(await commitsOf(dict)).toEqual([' library a: 1 > 2', 'ada library a: undefined > 1'])
})

test('what external writers did is one commit, whichever process notices it first', async () => {
  const path = newPath()
  const [live, idle] = [await open(path, { live: true }), await open(path, { autosync: false })]
  for (let n = 0; n < 4; n += 1) {
    await live.set('a', n)
    await hand.create(`${path}/b${n}`, `${n}`)
    const late = await open(path)
    await until(async () => (await commitsOf(late)).length === 3 * n + 2, 'it is recorded', 5 * SESSION)
    await idle.set('idle', n)
  }
  const outside = (await commitsOf(idle)).filter(commit => commit.startsWith(' outside '))
  expect(outside).toEqual([3, 2, 1, 0].map(n => ` outside b${n}: undefined > ${n}`))
})

test('a write whose connection is cut after the server received it is one commit of its author', async () => {
  const path = newPath()
  const proxy = await startCuttingProxy(server.port)
  cleanup.push(() => proxy.close())
  const dict = await open(path, {}, `127.0.0.1:${proxy.port}`)
  await dict.set('n', 0)
  proxy.cut('"cut"', 'after', 1)
  await dict.set('n', 'cut', { by: 'ada' })
  expect(await commitsOf(dict)).toEqual(['ada library n: 0 > cut', ' library n: undefined > 0'])
})

// The log is read twice: by the check, and by the look-up.
test.each([
  ['the check before it', 0],
  ['it', 1],
])('a write whose answer was lost is looked for until %s is answered', async (_, skip) => {
  const path = newPath()
  const proxy = await startCuttingProxy(server.port)
  cleanup.push(() => proxy.close())
  const [dict, other] = [
    await open(path, { timeout: 30_000, sessionTimeout: 20_000 }, `127.0.0.1:${proxy.port}`),
    await open(path),
  ]
  await dict.set('n', 0)
  const overwrite = async () => {
    // So many that the log has to be read, whose last part is read once each time.
    for (let n = 0; n < 6; n += 1) await other.set('n', `${n}`.padEnd(900))
    proxy.cut('%log-3', 'before', 2, undefined, skip)
  }
  proxy.cut('"mine"', 'after', 1, overwrite)
  await dict.set('n', 'mine', { by: 'ada' })
  expect(proxy.cuts).toBe(3)
  expect((await commitsOf(other)).filter(commit => commit.startsWith('ada'))).toEqual(['ada library n: 0 > mine'])
})

test('long values fail alone, and short ones beside them are kept', async () => {
  const dict = await open(newPath())
  await dict.update({ long: 'x'.repeat(10_000), short: 1 })
  for await (const { changes } of dict.history()) {
    expect(changes.find(({ key }) => key === 'short')?.after).toBe(1)
    expect(() => changes.find(({ key }) => key === 'long')?.after).toThrow(DecodingError)
  }
})

test('a clear of thousands of keys is reverted', async () => {
  const dict = await open(newPath(), { sessionTimeout: 10_000 })
  const entries = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`service.setting.${n}`, `"value" ${n}`]))
  await dict.update(entries)
  await dict.clear()
  for await (const { id } of dict.history({ limit: 1 })) await dict.revert(id)
  expect(Object.fromEntries(dict.local)).toEqual(entries)
})

test('a malformed commit of one key is reported, and the others are listed', async () => {
  const path = newPath()
  const dict = await open(path)
  for (const key of ['a', 'b', 'c']) await dict.set(key, 1)
  const seen = warnings()
  await hand.set(`${path}/%log-history/${FOLDER}/0000000002.1.1=b`, '{"format":1,"epoch":"x"}\n[')
  expect(await commitsOf(dict)).toEqual([' library c: undefined > 1', ' library a: undefined > 1'])
  await until(() => seen.some(one => one.includes(`%log-history/${FOLDER}/0000000002.1.1=b`)), 'the warning names it')
})

test('a malformed commit of several keys hides those before it', async () => {
  const path = newPath()
  const dict = await open(path)
  for (const keys of [{ a: 1 }, { b: 1, c: 1 }, { d: 1 }]) await dict.update(keys)
  await hand.set(`${path}/%log-history/${FOLDER}/0000000002.1.1`, Buffer.from([0xff]))
  expect(await commitsOf(dict)).toEqual([' library d: undefined > 1'])
})

test.each([
  [
    'a znode where the next commit goes',
    (path: string) => hand.create(`${path}/%log-history/${FOLDER}/0000000002.1.1=b`, 'x'),
  ],
  ['a malformed state', (path: string) => hand.set(`${path}/%log-history`, 'x')],
  ['names that are no commits', (path: string) => hand.create(`${path}/%log-history/9999999999999999.1.1`, 'x')],
  ['a foreign folder', (path: string) => hand.create(`${path}/%log-history/from-0000000002`, 'x')],
  ['a deleted folder', (path: string) => hand.removeAll(`${path}/%log-history/${FOLDER}`)],
])('%s does not stop writes', async (_, damage) => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1)
  warnings()
  await damage(path)
  await dict.set('b', 2)
  await dict.set('c', 3)
  expect(dict.local.size).toBe(3)
  expect((await commitsOf(dict)).every(commit => / (a|b|c): undefined > \d$/.test(commit))).toBe(true)
})

test.each(['0000999999.1.1', '0000000001.999999.1', '1125899906842623.1.1=b'])(
  'a foreign znode %s beyond the newest commit hides nothing',
  async name => {
    const path = newPath()
    const dict = await open(path)
    await dict.set('a', 1)
    await hand.create(`${path}/%log-history/${FOLDER}/${name}`, 'x')
    await dict.set('b', 2)
    expect(await commitsOf(dict)).toEqual([' library b: undefined > 2', ' library a: undefined > 1'])
  },
)

test('a folder that exists already is used', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('n', 0)
  await Promise.all(Array.from({ length: 127 }, (_, n) => dict.set('n', n + 1)))
  await hand.create(`${path}/%log-history/from-0000000129`)
  await dict.set('n', 'next')
  expect(await entriesOf(path)).toContain('from-0000000129/0000000129.1.1=n')
  expect(await commitsOf(dict)).toHaveLength(129)
})

test('commits outside any folder, as they were stored at first, are listed and continued', async () => {
  const path = newPath()
  const dict = await open(path)
  for (const n of [1, 2]) await dict.set('a', n)
  for (const name of await entriesOf(path)) {
    const data = await hand.get(`${path}/%log-history/${name}`)
    await hand.create(`${path}/%log-history/${name.slice(FOLDER.length + 1)}`, data)
  }
  await hand.removeAll(`${path}/%log-history/${FOLDER}`)
  await dict.set('a', 3)
  const all = [' library a: 2 > 3', ' library a: 1 > 2', ' library a: undefined > 1']
  expect(await commitsOf(dict)).toEqual(all)
  expect(await commitsOf(dict, 1)).toEqual(all.slice(0, 1))
})

test('a page of a long history needs as few requests as one of a short history', async () => {
  const counts: number[] = []
  for (const length of [60, 600]) {
    const dict = await open(newPath(), { sessionTimeout: 60_000, history: { keep: 10_000, days: 90 } })
    for (let n = 0; n < length; n += 20) await Promise.all(Array.from({ length: 20 }, (_, m) => dict.set(`${m}`, n)))
    for (let n = 0; n < 60; n += 1) await dict.set('n', n)
    await commitsOf(dict, 50)
    // The smallest of three: a renewal or a sign of life may fall into one.
    const pages: number[] = []
    for (let n = 0; n < 3; n += 1) pages.push(await requestsOf(() => commitsOf(dict, 50)))
    counts.push(Math.min(...pages))
  }
  // A barrier, the version, the znode above the commits, two folders, and the commits together.
  expect(Math.max(...counts)).toBeLessThanOrEqual(7)
})

test('two processes that drop commits at the same time leave what the policy keeps', async () => {
  const path = newPath()
  const dict = await open(path, { history: { keep: 1_000, days: 90 } })
  for (let n = 0; n < 12; n += 1) await dict.set('n', n)
  const session = new Session(opener(server.address), { changed() {}, childrenChanged() {}, lost() {} })
  cleanup.push(() => session.end(new Error('The test has ended.')))
  await session.ready()
  const names = new Names(path)
  const trimmers = [1, 2].map(() => new HistoryTrimmer(session, names, new HistoryZnodes(session, names)))
  const counted = await Promise.all(trimmers.map(trimmer => trimmer.trim({ keep: 8, days: 90 })))
  expect(counted.map(({ stored }) => stored)).toEqual([8, 8])
  expect(await entriesOf(path)).toHaveLength(8)
})

test('what is too old ends with the first commit that is young enough, although the clock of the server has jumped', async () => {
  const day = 86_400_000
  const now = 1_000 * day
  const aged = (...ages: number[]) => ageOf(ages.length, async index => now - (ages[index] as number) * day, 90)
  expect(await aged(100, 99, 98, 97, 1, 0)).toEqual({ old: 4, youth: 0 })
  expect(await aged(100, 99, -300, 100, 100, 100, 100, 1, 0), 'it was ahead for a while').toEqual({ old: 2, youth: 0 })
  expect(await aged(10, 400, 400, 400, 400, 1, 0), 'it was behind').toEqual({ old: 0, youth: 80 * day })
  const falling = Array.from({ length: 300 }, (_, index) => 299 - index)
  expect(await aged(...falling), 'many').toEqual({ old: 209, youth: 0 })
})

test('a malformed state is repaired by the next write after it was noticed', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1)
  warnings()
  await hand.set(`${path}/%log-history`, 'x')
  expect(await commitsOf(dict)).toEqual([])
  await dict.set('b', 2)
  expect(await commitsOf(dict)).toEqual([' library b: undefined > 2'])
})

test('a history in a later format is refused, and nothing is written over it', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1)
  await hand.set(`${path}/%log-history`, '{"format":2}')
  expect(await rejection(commitsOf(dict))).toBeInstanceOf(UnsupportedError)
  expect(await hand.get(`${path}/%log-history`)).toBe('{"format":2}')
})

test('of the commits of one transaction, those of a key that is rewritten all the time are dropped first', async () => {
  const path = newPath()
  const dict = await open(path, { history: { keep: 8, days: 90 } })
  await Promise.all([dict.set('rare', 1, { by: 'ada' }), dict.set('beat', 0)])
  for (let n = 1; n <= 10; n += 1) await Promise.all([dict.set('beat', n), dict.set('other', n)])
  const found = await commitsOf(dict)
  expect(found).toHaveLength(8)
  expect(found.at(-1)).toBe('ada library rare: undefined > 1')
})

test.each([false, { keep: 50, days: 9 }] as const)(
  'opening with the policy that is recorded, %j, writes nothing',
  async history => {
    const path = newPath()
    await (await open(path, { history, replicas: false })).set('a', 1)
    const before = await hand.versionOf(`${path}/%version`)
    await open(path, { history, replicas: false })
    expect(await hand.versionOf(`${path}/%version`)).toBe(before)
    await open(path, { history: { keep: 50, days: 8 }, replicas: false })
    expect(await hand.versionOf(`${path}/%version`)).toBeGreaterThan(before)
  },
)

test('a policy of false leaves no commits in the store', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1, { by: 'ada' })
  const other = await open(path, { history: false })
  await dict.set('a', 2, { by: 'ada' })
  await until(async () => (await entriesOf(path)).length === 0, 'they are deleted')
  expect(await commitsOf(other)).toEqual([])
})

test('a forgotten author is in no znode any more', async () => {
  const path = newPath()
  const dict = await open(path)
  const name = 'ada.lovelace'
  for (let n = 0; n < 60; n += 1) await dict.set('a', n, { by: name, reason: 'x'.repeat(50) })
  const backend = new ZookeeperBackend(path, opener(server.address))
  cleanup.push(() => backend.close())
  expect(await backend.forgetAuthor(name)).toBe(60)
  const znodes = [...(await hand.children(path)), ...(await entriesOf(path)).map(entry => `%log-history/${entry}`)]
  for (const znode of znodes) expect(await hand.get(`${path}/${znode}`), znode).not.toContain(name)
  expect(await commitsOf(dict)).toHaveLength(60)
})

test('a deleted path starts another history, which refuses the ids of the one before', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a', 1)
  const ids: string[] = []
  for await (const { id } of dict.history()) ids.push(id)
  await hand.removeAll(path)
  await dict.sync()
  await dict.set('b', 2)
  expect(await commitsOf(dict)).toEqual([' library b: undefined > 2'])
  expect((await rejection(dict.revert(ids[0] as string))).name).toBe('HistoryError')
})
