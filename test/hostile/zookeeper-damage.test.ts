import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ZookeeperDict } from '../../src/index.js'
import { until } from '../redis/support.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from '../zookeeper/by-hand.js'
import { newPath, type Options, stepsAfterEach } from '../zookeeper/support.js'

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

async function open(path: string, options: Options = {}) {
  const dict = await ZookeeperDict.open(path, server.address, { sessionTimeout: 900, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** The members of the first line of the head, and the lines of its log. */
async function headOf(path: string): Promise<[Record<string, unknown>, string[]]> {
  const [first = '', ...log] = (await hand.get(`${path}/%version`)).split('\n')
  return [JSON.parse(first), log]
}

const BAD_RECORDS = [
  ...[
    '',
    '7',
    'null',
    '{}',
    '[]',
    '[[]]',
    'x',
    '["x.0","s",',
    '["x.0","s","a"]',
    '["x.0","s","a",7]',
    '["x.0","s",7,"v"]',
  ],
  ...['["x.0","d"]', '["x.0","d",""]', '["x.0","d",null]', '["x.0","d","\\ud800"]', '["x.0","s","a","\\udfff"]'],
  ...['["x.0","q","a"]', '["x.0","__proto__"]', '["x.0","toString"]', '["x","c"]', '["x.y","c"]', '[7,"c"]'],
  ...[`["x.0","r","${'k'.repeat(513)}"]`, '["y.0","c"]', '['.repeat(50_000)],
]

describe('a damaged record of the change log', () => {
  test('causes a full load and blocks nobody', async () => {
    const path = newPath()
    const [dict, other] = [await open(path), await open(path)]
    await dict.set('kept', 0)
    for (const [n, record] of BAD_RECORDS.entries()) {
      await dict.set('a', n)
      await other.sync()
      const [head, log] = await headOf(path)
      const next = { ...head, number: (head.number as number) + 1, id: 'x.0' }
      await hand.set(`${path}/%version`, [JSON.stringify(next), ...log, record].join('\n'))
      await dict.sync()
      expect([dict.local.get('kept'), dict.local.get('a')], record).toEqual([0, n])
      await dict.set('b', n)
      await other.sync()
      expect(other.local.get('b'), record).toBe(n)
      expect(await other.pop('a'), record).toBe(n)
      await dict.sync()
      expect(dict.local.get('a'), record).toBeUndefined()
    }
  })

  test('is reported as a divergence', async () => {
    const path = newPath()
    const dict = await open(path)
    await dict.set('a', 1)
    const [head, log] = await headOf(path)
    const reasons: string[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    const next = { ...head, number: 2, id: 'x.0' }
    await hand.set(`${path}/%version`, [JSON.stringify(next), ...log, '["x.0","s"]'].join('\n'))
    await dict.sync()
    expect(reasons).toEqual(['diverged'])
  })

  test('in an earlier part of the log is reported as a divergence only by replicas that need it', async () => {
    const path = newPath()
    const dict = await open(path)
    // Creating a key counts the children, by a read of the head that would bring the other dictionary up to date.
    await dict.set('n', 'first')
    const behind = await open(path, { autosync: false })
    for (let n = 0; n < 40; n += 1) await dict.set('n', `${n} ${'x'.repeat(200)}`)
    const reasons: Record<string, string[]> = { dict: [], behind: [] }
    dict.on('sync', ({ reason }) => reasons.dict?.push(reason))
    behind.on('sync', ({ reason }) => reasons.behind?.push(reason))
    for (const place of [0, 1, 2, 3]) {
      const part = await hand.get(`${path}/%log-${place}`)
      if (part !== '') await hand.set(`${path}/%log-${place}`, part.replace(/\["[^"]*/, '["\\ud800'))
    }
    await behind.sync()
    await dict.set('n', 'last')
    await behind.sync()
    expect(behind.local.get('n')).toBe('last')
    expect(reasons.behind).toEqual(['diverged', 'changes'])
    expect(reasons.dict).not.toContain('diverged')
  })
})

const whole = { format: 1, epoch: 'abc', number: 0, id: 'x.0', base: 'x.0', parts: 0, bound: 0, cversion: 0 }

const BAD_HEADS: Record<string, string | Buffer> = {
  empty: '',
  'no JSON': 'abc',
  'other JSON': '[1]',
  'not UTF-8': Buffer.concat([Buffer.from(JSON.stringify({ ...whole, extra: 'x' })), Buffer.of(0xff)]),
  ...Object.fromEntries(
    Object.entries({
      epoch: ['../other', 'a/b', '', 'g', 7, null, 'a'.repeat(33), '%2F', 'a\n'],
      number: [2 ** 53, 1e300, -1, 1.5, '7', null, 2 ** 52],
      id: ['', 'x', 7, 'x."', 'x\u0000.0', '\ud800.0', `${'x'.repeat(300)}.0`],
      base: ['', null, 'x.'],
      parts: [-1, 2 ** 60, '0', undefined],
      bound: [-1, 1e300, 2 ** 31, '5', null],
      cversion: [0.5, 'x', 1e300],
      format: ['1', 0.5, 1e300, -1],
    }).flatMap(([member, values]) =>
      values.map(value => [`${member} ${String(JSON.stringify(value)).slice(0, 20)}`, headWith(member, value)]),
    ),
  ),
  'with more records than changes': `${JSON.stringify(whole)}\n["x.0","c"]`,
}

function headWith(member: string, value: unknown): string {
  return JSON.stringify({ ...whole, [member]: value })
}

test('a head with any malformation is replaced, and writes work again', async () => {
  const path = newPath()
  const [dict, other, live] = [await open(path), await open(path), await open(path, { live: true })]
  let n = 0
  await dict.set('n', n)
  for (const [what, head] of Object.entries(BAD_HEADS)) {
    await hand.set(`${path}/%version`, head)
    n += 1
    await dict.set('n', n)
    await other.sync()
    expect(other.local.get('n'), what).toBe(n)
    const [mended] = await headOf(path)
    expect(mended.epoch, what).toMatch(/^[0-9a-f]{12}$/)
  }
  await until(() => live.local.get('n') === n, 'the live one follows')
  expect([...(await open(path)).local]).toEqual([['n', n]])
  expect((await hand.children(path)).filter(name => name.startsWith('%epoch'))).toHaveLength(1)
})

test('a new history can begin even if other programs have created children below its epochs', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('n', 1)
  const epoch = (await hand.children(path)).find(name => name.startsWith('%epoch'))
  await hand.create(`${path}/${epoch}/child`)
  await Promise.all(Array.from({ length: 150 }, (_, n) => hand.create(`${path}/%epoch-x${n}`)))
  for (let n = 2; n <= 4; n += 1) {
    await hand.set(`${path}/%version`, '')
    await dict.set('n', n)
    expect(await dict.get('n')).toBe(n)
  }
  expect((await open(path)).local.get('n')).toBe(4)
})

test('a recorded bound survives a head that is malformed elsewhere', async () => {
  const path = newPath()
  const reader = await open(path, { maxStaleness: 150 })
  const writer = await open(path)
  await reader.get('n')
  await hand.set(`${path}/%version`, JSON.stringify({ format: 1, bound: 150 }))
  const startedAt = performance.now()
  await writer.set('n', 1, { everywhere: true })
  expect(performance.now() - startedAt).toBeGreaterThan(140)
})

describe('a damaged znode', () => {
  test.each([
    ['bytes that are not UTF-8', Buffer.of(0xc3, 0x28)],
    ['nothing', ''],
    ['a lone continuation byte after text', Buffer.concat([Buffer.from('rich:'), Buffer.of(0x80)])],
    ['text in another encoding', 'by hand'],
  ])('fails for its own key only and can be deleted: %s', async (_, data) => {
    const path = newPath()
    const writer = await open(path)
    await writer.update({ good: 1, bad: 2 })
    await hand.set(`${path}/bad`, data)
    const dict = await open(path)
    expect(await dict.get('good')).toBe(1)
    await expect(dict.get('bad')).rejects.toMatchObject({ key: 'bad' })
    expect(await dict.delete('bad')).toBe(true)
    expect(await dict.has('bad')).toBe(false)
  })

  test('whose name is an escaped form of a key is not that key', async () => {
    const path = newPath()
    const writer = await open(path)
    await writer.set('a', 1)
    for (const name of ['%61', '%2f', '%C3%A9', '%ED%A0%80', '%E0%80%AF', '%00%', '%2E', '%25x']) {
      await hand.create(`${path}/${name}`, '"by hand"')
    }
    const dict = await open(path)
    expect((await dict.keys()).sort()).toEqual(['%x', '.', 'a'])
    expect(await dict.get('a')).toBe(1)
    await dict.clear()
    expect(await dict.size()).toBe(0)
    expect(await dict.delete('a')).toBe(false)
  })
})
