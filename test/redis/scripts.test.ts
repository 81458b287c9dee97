import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SCRIPTS } from '../../src/backends/redis/script.js'
import { startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ByHand, unsealed } from './by-hand.js'
import { nodeRedis } from './clients.js'

let server: RedisNode
let opened: Awaited<ReturnType<typeof nodeRedis>>
let store: ByHand

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  opened = await nodeRedis(server.url)
})

beforeEach(() => {
  store = new ByHand(opened.client as never)
})

afterAll(async () => {
  opened.end()
  await server.stop()
})

describe('the history', () => {
  test('begins at the first contact and is then the same for all', async () => {
    const head = await store.head()
    expect(head).toMatch(/^1-/)
    expect(await store.head()).toBe(head)
    expect(await store.pull(head)).toBe(0)
  })

  test('begins with the entries of another program', async () => {
    await store.send('hset', store.keys.entries, 'a', '1')
    const head = await store.head()
    expect(await store.pull('', 10)).toEqual(['state', head, 0, await store.seal(), 'a', '1'])
    expect(await store.pull(head)).toBe(0)
  })

  test('is a chain', async () => {
    const base = await store.head()
    const { head: one } = await store.commit(base, 'x.1', 's', 'a', '1')
    const { head: two } = await store.commit(one, 'y.1', 's', 'a', '2', 'd', 'a')
    expect(await store.log()).toEqual([
      [base, one, ['s', 'a', '1'], 'u'],
      [one, two, ['s', 'a', '2', 'd', 'a'], 'ut'],
    ])
    expect(((await store.pull(base)) as string[]).slice(0, 2)).toEqual(['changes', two])
    expect([base, one, two].map(version => Number.parseInt(version, 10))).toEqual([1, 2, 3])
    expect(new Set([base, one, two].map(version => version.split('-')[1])).size).toBe(1)
  })

  test('returns the changes that a writer missed', async () => {
    const base = await store.head()
    await store.commit(base, 'x.1', 's', 'a', '1')
    const answer = await store.commit(base, 'y.1', 's', 'b', '2')
    expect(answer).toMatchObject({ status: 'ok', codes: 'u', values: [] })
    expect(answer.changes?.map(text => JSON.parse(unsealed(text))[2])).toEqual([['s', 'a', '1']])
  })

  test('is cut for all replicas when external writers have inserted or removed entries', async () => {
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1')
    await store.send('hset', store.keys.entries, 'external', '1')
    const [kind, cut, diverged] = (await store.pull(head, 10)) as string[]
    expect([kind, diverged]).toEqual(['state', 1])
    expect(cut).toMatch(/^3-/)
    expect(await store.pull(cut as string)).toBe(0)
    expect(await store.commit(head, 'y.1', 's', 'b', '1')).toMatchObject({ status: 'stale', diverged: 1, head: cut })
    expect(await store.entries()).toEqual({ a: '1', external: '1' })
    expect(await store.log()).toEqual([])
  })

  for (const key of ['entries', 'meta'] as const) {
    test(`is replaced when the key of the ${key} was deleted`, async () => {
      const { head } = await store.commit(await store.head(), 'x.1', 's', 'a', '1')
      await store.send('del', store.keys[key])
      expect(((await store.pull(head, 10)) as unknown[])[2]).toBe(1)
      expect(await store.commit(head, 'y.1', 's', 'b', '1')).toMatchObject({ status: 'stale', diverged: 1 })
    })
  }

  test('is too short when the log was deleted, and continues', async () => {
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1')
    await store.send('del', store.keys.log)
    expect(await store.pull(base, 10)).toEqual(['state', head, 0, await store.seal(), 'a', '1'])
    const { head: next } = await store.commit(head, 'y.1', 's', 'b', '1')
    expect(((await store.pull(head)) as string[]).slice(0, 2)).toEqual(['changes', next])
  })

  test('of another store is never mistaken for this one, whatever its number', async () => {
    const other = new ByHand(opened.client as never)
    const { head } = await other.commit(await other.head(), 'x.1', 's', 'a', '1')
    await store.commit(await store.head(), 'x.1', 's', 'a', '1')
    for (const version of [head, '1-x-y', '9-x-y']) {
      expect(((await store.pull(version, 10)) as unknown[])[2]).toBe(1)
    }
    expect(((await store.pull('nonsense', 10)) as unknown[])[2]).toBe(0)
  })
})

describe('a set in the short form', () => {
  test('returns the bound, and does what the long form does', async () => {
    const { head } = await store.commit(await store.head(), 'x.1', 'd', 'a', 's', 'b', '1')
    await store.send('hset', store.keys.meta, 'bound', '70')
    expect(await store.short(head, 'y.1', 'a', '2')).toBe(70)
    expect(await store.entries()).toEqual({ a: '2', b: '1' })
    expect((await store.log()).at(-1)?.slice(2)).toEqual([['s', 'a', '2'], 'u'])
  })

  test('leaves out what the nonce has in common with the base, and the number of a first attempt', async () => {
    const ids = ['0123456789abc', '0123456789abd', '0123456789ab', 'other', '0123456789aX']
    let head = await store.head()
    for (const id of ids)
      for (const attempt of [1, 2]) head = (await store.commit(head, `${id}.${attempt}`, 's', 'a', '1')).head
    expect(await store.head()).toBe(head)
    const nonces = (await store.log()).map(([, version]) => String(version).replace(/^.*-/, ''))
    expect(nonces).toEqual(ids.flatMap(id => [`${id}.1`, `${id}.2`]))
  })

  test('derives its keys from that of the metadata, with any prefix', async () => {
    const prefix = 'a{b}:{c}:meta:'
    const key = `${prefix}${store.keys.meta}`
    await store.send('hset', `${prefix}${store.keys.entries}`, 'a', '1')
    expect(await store.send('eval', SCRIPTS.commit.source, '1', key, '1-e-x.1 y', 'a', '2')).toBe(-1)
    const long = await store.send(
      'eval',
      SCRIPTS.commit.source,
      '1',
      key,
      '1-e-x.1',
      'y.1',
      '',
      'entropy',
      's',
      'a',
      '2',
    )
    expect(long).toContain('stale')
    expect(await store.send('hget', key, 'size')).toBe('1')
  })

  test('executes nothing if it would have to start a history, which takes entropy', async () => {
    const { head } = await store.commit(await store.head(), 'x.1', 's', 'a', '1')
    await store.send('hset', store.keys.entries, 'external', '1')
    const before = await store.contents()
    expect(await store.short(head, 'y.1', 'b', '1')).toBe(-1)
    expect(await store.contents()).toEqual(before)
  })

  test('is recognized when it is sent again in the long form', async () => {
    const base = await store.head()
    await store.commit(base, 'x.1', 'd', 'a', 's', 'a', '1')
    const head = await store.head()
    await store.short(head, 'y.1', 'a', '2')
    expect(await store.commit(head, 'y.2 r', 's', 'a', '2')).toMatchObject({ status: 'dup', position: 1 })
  })
})

describe('exactly once', () => {
  test('a batch that was executed is recognized and not executed again', async () => {
    const base = await store.head()
    await store.commit(base, 'set.1', 's', 'a', '1')
    await store.commit(await store.head(), 'other.1', 's', 'b', '1')
    await store.commit(await store.head(), 'pop.1', 'p', 'a')
    const again = await store.commit(base, 'pop.2 r', 'p', 'a')
    expect(again).toMatchObject({ status: 'dup', position: 3 })
    expect(JSON.parse(unsealed(again.changes?.[2] as string)).slice(3)).toEqual(['v', '1'])
    expect((await store.commit(base, 'pop.1', 'p', 'a')).status).toBe('dup')
    expect(await store.entries()).toEqual({ b: '1' })
  })

  test('ids that are prefixes of one another are distinguished', async () => {
    const base = await store.head()
    await store.commit(base, 'ab.1', 's', 'a', '1')
    expect((await store.commit(base, 'b.1', 's', 'b', '1')).status).toBe('ok')
    expect((await store.commit(base, 'a.1', 's', 'c', '1')).status).toBe('ok')
    expect((await store.commit(base, 'ab.2', 's', 'a', '2')).status).toBe('dup')
  })

  test('keys and values that look like an id are not mistaken for one', async () => {
    const base = await store.head()
    await store.commit(base, 'x.1', 's', '-y.', '"-y.1"', 's', '1-a-y.1', '1-a-y.1')
    expect((await store.commit(base, 'y.1', 's', 'b', '1')).status).toBe('ok')
  })

  test('nothing is written if nothing has an effect', async () => {
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1')
    const answer = await store.commit(head, 'y.1', 'd', 'b', 'p', 'b', 'f', 'a', '2')
    expect(answer).toMatchObject({ head, codes: 'ffv', values: ['1'], changes: [] })
    expect((await store.commit(await store.head(), 'z.1', 'd', 'a', 'c')).codes).toBe('tf')
  })

  test('a retry without effect prevents the original from being executed late', async () => {
    const base = await store.head()
    const retry = await store.commit(base, 'x.2 r', 'd', 'a')
    expect(retry).toMatchObject({ status: 'ok', codes: 'f' })
    expect(retry.head).not.toBe(base)
    await store.commit(retry.head, 'y.1', 's', 'a', '1')
    expect((await store.commit(base, 'x.1', 'd', 'a')).status).toBe('dup')
    expect(await store.entries()).toEqual({ a: '1' })
  })
})

describe('conditions', () => {
  test('the state is still the same', async () => {
    const base = await store.head()
    const done = await store.commit(base, 'x.1', 'g', '1', '1', 'v', base, 's', 'a', '1')
    expect(done.codes).toBe('u')
    const missed = await store.commit(base, 'y.1', 'g', '2', '1', 'v', base, 's', 'a', '2', 'd', 'a', 's', 'b', '1')
    expect(missed.codes).toBe('xu')
    const second = await store.commit(missed.head, 'z.1', 's', 'c', '1', 'g', '1', '1', 'v', missed.head, 'd', 'a')
    expect(second.codes).toBe('ux')
    expect(await store.entries()).toEqual({ a: '1', b: '1', c: '1' })
  })

  test('nothing has changed the key', async () => {
    const base = await store.head()
    const unchanged = (key: string, since: string) => ['g', '1', '1', 'u', key, since, 's', 'mark', key]
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1', 's', 'b', '1', 'd', 'b')
    for (const key of ['a', 'b'])
      expect((await store.commit(head, `${key}.1`, ...unchanged(key, base))).codes).toBe('x')
    expect((await store.commit(head, 'c.1', ...unchanged('c', base))).codes).toBe('u')
    expect((await store.commit(head, 'd.1', ...unchanged('a', head))).codes).toBe('u')
    expect((await store.commit(head, 'e.1', 's', 'c', '1', ...unchanged('c', head))).codes).toBe('ux')
    const now = await store.head()
    await store.commit(now, 'f.1', 'c')
    expect((await store.commit(now, 'g.1', ...unchanged('never there', now))).codes).toBe('x')
    expect((await store.commit(now, 'h.1', ...unchanged('c', '1-not-known'))).codes).toBe('x')
    const present = await store.head()
    expect(
      (await store.commit(present, 'i.1', ...unchanged('k', present), 'c', ...unchanged('k', present))).codes,
    ).toBe('utx')
  })

  test('that need the log fail for a state older than the log', async () => {
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1')
    await store.send('del', store.keys.log)
    expect((await store.commit(head, 'y.1', 'g', '1', '1', 'u', 'b', base, 's', 'b', '1')).codes).toBe('x')
  })
})

test('random batches have the effects of a Map', async () => {
  const random = (below: number) => Math.floor(Math.random() * below)
  const model = new Map<string, string>()
  const followed = new Map<string, string>()
  let head = await store.head()
  for (let round = 0; round < 300; round += 1) {
    const operations: string[] = []
    const codes: string[] = []
    const values: string[] = []
    for (let count = 1 + random(8); count > 0; count -= 1) {
      const [key, value] = [`k${random(4)}`, `${round}.${count}`]
      const kind = random(20) === 0 ? 'c' : ('sdpf'[random(4)] as string)
      operations.push(kind, ...(kind === 'c' ? [] : kind === 's' || kind === 'f' ? [key, value] : [key]))
      codes.push(perform(model, kind, key, value, values))
    }
    const answer = await store.commit(head, `r${round}.1`, ...operations)
    const reported = [...(answer.codes as string)].map((code, at) => (codes[at] === 'c' ? 'c' : code))
    expect(reported).toEqual(codes)
    expect(answer.values).toEqual(values)
    const pulled = (await store.pull(head)) as 0 | string[]
    for (const change of pulled === 0 ? [] : pulled.slice(2)) replay(followed, JSON.parse(unsealed(change))[2])
    head = answer.head
    expect(new Map(Object.entries(await store.entries()))).toEqual(model)
    expect(followed).toEqual(model)
  }
})

function perform(model: Map<string, string>, kind: string, key: string, value: string, values: string[]): string {
  const before = model.get(key)
  if (kind === 's') model.set(key, value)
  else if (kind === 'f' && before === undefined) model.set(key, value)
  else if (kind === 'c') model.clear()
  else if (kind !== 'f') model.delete(key)
  if (kind === 's') return 'u'
  // It does not matter whether there was anything.
  if (kind === 'c') return 'c'
  if (kind === 'd') return before === undefined ? 'f' : 't'
  if (before !== undefined) values.push(before)
  return before !== undefined ? 'v' : kind === 'f' ? 'i' : 'f'
}

function replay(entries: Map<string, string>, effects: string[]): void {
  for (let at = 0; at < effects.length; ) {
    const [kind, key, value] = effects.slice(at) as [string, string, string]
    if (kind === 's') entries.set(key, value)
    else if (kind === 'd') entries.delete(key)
    else entries.clear()
    at += kind === 's' ? 3 : kind === 'd' ? 2 : 1
  }
}

describe('limits', () => {
  test('the log keeps the latest 10,000 changes', async () => {
    let head = await store.head()
    const base = head
    for (let at = 0; at < 10_001; at += 125) {
      const batch = Array.from({ length: 125 }, (_, n) => store.commit(head, `n${at + n}.1`, 's', 'a', `${at + n}`))
      head = ((await Promise.all(batch)).at(-1) as { head: string }).head
    }
    expect(await store.send('llen', store.keys.log)).toBe(10_000)
    expect(await store.pull(base, -1)).toEqual(['old', head, 0, await store.seal(), 1])
    expect(await store.commit(base, 'late.1', 's', 'a', '1')).toMatchObject({ status: 'stale', diverged: 0 })
    const log = (await store.send('lrange', store.keys.log, '0', '-1')) as string[]
    const bytes = log.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    expect(Number(await store.send('hget', store.keys.meta, 'bytes'))).toBe(bytes)
  })

  test('and no more than 4 MiB of them', async () => {
    let head = await store.head()
    for (let n = 0; n < 12; n += 1) head = (await store.commit(head, `n${n}.1`, 's', 'a', 'x'.repeat(900_000))).head
    expect(await store.send('llen', store.keys.log)).toBe(4)
  })

  test('a change of more than 1 MiB is not stored, but chained', async () => {
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', 'x'.repeat(2 ** 20))
    const [, , ...changes] = (await store.pull(base)) as string[]
    expect(changes.map(text => JSON.parse(unsealed(text)))).toEqual([[base, head, '?', 'u']])
    expect((await store.commit(head, 'y.1', 'g', '1', '1', 'u', 'b', base, 's', 'b', '1')).codes).toBe('x')
    expect((await store.commit(base, 'x.2 r', 's', 'a', 'again')).status).toBe('dup')
  })

  test('outcomes of more than 1 MiB are not stored', async () => {
    const { head } = await store.commit(await store.head(), 'x.1', 's', 'a', 'x'.repeat(2 ** 21))
    await store.commit(head, 'y.1', 'p', 'a')
    const again = await store.commit(head, 'y.2 r', 'p', 'a')
    expect(JSON.parse(unsealed(again.changes?.[0] as string)).slice(2)).toEqual([['d', 'a'], '?'])
  })

  test('a batch may have many operations', async () => {
    const operations = Array.from({ length: 5_000 }, (_, n) => ['s', `k${n}`, 'v']).flat()
    const { head, codes } = await store.commit(await store.head(), 'x.1', ...operations)
    expect(codes).toBe('u'.repeat(5_000))
    expect(await store.send('hlen', store.keys.entries)).toBe(5_000)
    const removals = Array.from({ length: 5_000 }, (_, n) => ['d', `k${n}`]).flat()
    expect((await store.commit(head, 'y.1', ...removals)).codes).toBe('t'.repeat(5_000))
    expect(await store.send('exists', store.keys.entries)).toBe(0)
    expect(await store.pull(await store.head())).toBe(0)
  })
})

describe('types are checked before anything is written', () => {
  const names = {
    entries: (keys: ByHand['keys']) => keys.entries,
    meta: (keys: ByHand['keys']) => keys.meta,
    log: (keys: ByHand['keys']) => keys.log,
    history: (keys: ByHand['keys']) => keys.history,
    'the index of the history': (keys: ByHand['keys']) => `${keys.history}:index`,
    'what the history dropped': (keys: ByHand['keys']) => `${keys.history}:dropped`,
  }
  for (const [name, keyOf] of Object.entries(names)) {
    test(name, async () => {
      const head = name === 'entries' || name === 'meta' ? '1-a-b' : await store.head()
      const key = keyOf(store.keys)
      await (name === 'the index of the history' ? store.send('rpush', key, 'text') : store.send('set', key, 'text'))
      const before = await store.contents()
      await expect(store.commit(head, 'x.1', 's', 'a', '1')).rejects.toThrow('WRONGTYPE')
      await expect(store.commit(head, 'x.1', 's', 'a', '1', 's', 'b', '1')).rejects.toThrow('WRONGTYPE')
      expect(await store.contents()).toEqual(before)
    })
  }

  test('the index of a history that has begun', async () => {
    const { head } = await store.commit(await store.head(), 'x.1', 's', 'a', '1')
    await store.send('del', `${store.keys.history}:index`)
    await store.send('rpush', `${store.keys.history}:index`, 'text')
    const before = await store.contents()
    await expect(store.commit(head, 'y.1', 's', 'a', '2')).rejects.toThrow('WRONGTYPE')
    expect(await store.contents()).toEqual(before)
  })
})

test('the bound only grows and does not count as a change', async () => {
  const head = await store.head()
  for (const ms of ['50', '200', '100']) await store.run(SCRIPTS.registerMaxStaleness, ms)
  expect(await store.pull(head)).toBe(0)
  expect((await store.commit(head, 'x.1', 's', 'a', '1')).bound).toBe('200')
})

test('a response with changes can include the number of entries', async () => {
  const head = await store.head()
  const { head: next } = await store.commit(head, 'x.1', 's', 'a', '1')
  expect(((await store.pull(head, -1, 's')) as unknown[]).at(-1)).toBe(1)
  expect(await store.pull(next, -1, 's')).toEqual(['changes', next, 1])
})
