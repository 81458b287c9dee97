import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { freshPerRequest } from '../../src/express.js'
import {
  ClosedError,
  type Commit,
  DecodingError,
  DurableDict,
  HistoryError,
  InvalidKeyError,
  InvalidValueError,
  JSONEncoding,
  MemoryDict,
  MemoryStore,
  UnsupportedError,
} from '../../src/index.js'

type Dict = DurableDict<Record<string, unknown>>

const open = (store: MemoryStore, options = {}): Promise<Dict> => MemoryDict.open(store, options)

async function newest(dict: Dict): Promise<Commit> {
  const [commit] = await dict.history({ limit: 1 }).toArray()
  if (!commit) throw new Error('there is no commit')
  return commit
}

const authors = async (dict: Dict) => (await dict.history().toArray()).map(({ by }) => by)

/** Text that JSON cannot be. */
const BROKEN = 'not JSON {'

async function withBroken(store = new MemoryStore()): Promise<Dict> {
  const dict = await open(store, { encoding: JSONEncoding })
  new MemoryBackend(store).persist('a', BROKEN)
  await dict.set('a', 'good')
  return dict
}

describe('options of writes', () => {
  test('are read once, before the write is sent', async () => {
    const dict = await open(new MemoryStore())
    let reads = 0
    const options = {
      get by() {
        reads += 1
        return reads === 1 ? 'ada' : '\0'
      },
    }
    await dict.transact(tx => tx.set('a', 1), options)
    expect([reads, await authors(dict)]).toEqual([1, ['ada']])
  })

  test('that change during a transaction do not count', async () => {
    const dict = await open(new MemoryStore())
    const options = { by: 'ada' }
    await dict.transact(tx => {
      options.by = ''
      tx.set('a', 1)
    }, options)
    expect(await authors(dict)).toEqual(['ada'])
  })

  test('may be inherited, with a view as well', async () => {
    class Defaults {
      get by() {
        return 'ada'
      }
    }
    const dict = await open(new MemoryStore())
    await dict.set('a', 1, new Defaults())
    await dict.as({ by: 'bob' }).set('a', 2, new Defaults())
    await dict.as(new Defaults()).set('a', 3)
    await dict.as({ by: 'bob' }).revert((await newest(dict)).id, new Defaults())
    expect(await authors(dict)).toEqual(['ada', 'ada', 'ada', 'ada'])
  })

  test('that are undefined leave those of the view', async () => {
    const dict = (await open(new MemoryStore())).as({ by: 'ada', reason: 'why' }).as({ by: undefined })
    await dict.set('a', 1, { by: undefined, reason: undefined, everywhere: undefined })
    const { by, reason } = await newest(dict)
    expect([by, reason]).toEqual(['ada', 'why'])
  })

  test('of touch() say that others made the change', async () => {
    const dict = await open(new MemoryStore())
    await dict.set('a', 1, { by: 'ada' })
    await dict.as({ by: 'bob' }).touch('a')
    expect(await newest(dict)).toMatchObject({ by: 'bob', via: 'outside' })
  })

  test('of history() do not change after the call', async () => {
    const dict = await open(new MemoryStore())
    for (const key of ['a', 'b', 'c']) await dict.set(key, 1)
    const options: { limit?: number; key?: string } = { limit: 2 }
    const commits = dict.history(options)
    options.limit = Number.NaN
    options.key = 'none'
    expect(await commits.toArray()).toHaveLength(2)
  })
})

describe('attribution', () => {
  test('of a value that is put back is that of the pop', async () => {
    const store = new MemoryStore()
    const dict = await open(store, { encoding: JSONEncoding })
    new MemoryBackend(store).persist('a', BROKEN)
    await expect(dict.pop('a', undefined, { by: 'ada', reason: 'why' })).rejects.toThrow(DecodingError)
    const commits = await dict.history({ limit: 2 }).toArray()
    expect(commits.map(({ by, reason }) => [by, reason])).toEqual([
      ['ada', 'why'],
      ['ada', 'why'],
    ])
  })

  test('of reencode() is that of the view, else of open()', async () => {
    const store = new MemoryStore()
    const old = await open(store, { encoding: JSONEncoding })
    const base64 = {
      name: 'base64',
      encode: (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64'),
      decode: (stored: string) => JSON.parse(Buffer.from(stored, 'base64').toString()),
    }
    const dict = await open(store, { encoding: base64, oldEncoding: JSONEncoding, by: 'service' })
    await old.set('a', { n: 1 })
    expect(await dict.as({ by: 'ada', reason: 'move' }).reencode()).toBe(1)
    await old.set('a', { n: 2 })
    expect(await dict.reencode()).toBe(1)
    await old.set('a', { n: 3 })
    await dict.get('a')
    await expect
      .poll(async () => (await authors(dict)).slice(0, 4))
      .toEqual(['service', undefined, 'service', undefined])
    expect((await authors(dict))[4]).toBe('ada')
  })

  test('in change events does not take over what a newer release adds to its notes', async () => {
    const backend = new MemoryBackend(new MemoryStore())
    const commit = backend.commit.bind(backend)
    backend.commit = (batch, since) => {
      const answer = commit(batch, since)
      if (answer.catchUp.type !== 'changes') return answer
      const changes = answer.catchUp.changes.map(change => ({
        ...change,
        notes: change.notes?.map(note => ({ ...note, key: 'z', format: 9 })),
      }))
      return { ...answer, catchUp: { ...answer.catchUp, changes } }
    }
    const dict: Dict = await DurableDict.open(backend)
    const changes = dict.watch()
    await dict.set('a', 1, { by: 'ada' })
    const { value } = await changes.next()
    expect(value).toEqual({
      key: 'a',
      value: 1,
      previous: undefined,
      version: dict.version,
      origin: 'local',
      by: 'ada',
    })
  })
})

function raise(message: string): never {
  throw new Error(message)
}

describe('the hook "by" of requests', () => {
  const request = <R>(dict: Dict, by: (request: never) => unknown, work: () => Promise<R>) =>
    new Promise<R>((resolve, reject) => {
      const middleware = freshPerRequest({ dict }, { by: by as never })
      middleware({}, { writableFinished: false, setHeader: () => {} }, () => void work().then(resolve, reject))
    })

  const wrong: readonly [does: string, by: () => unknown, error: RegExp | typeof TypeError][] = [
    ['throws', () => raise('no user'), /no user/],
    ['returns no text', () => 7, TypeError],
    ['returns a promise', async () => 'ada', TypeError],
    ['returns an empty text', () => '', TypeError],
  ]

  test.each(wrong)('that %s fails the write, which has no effect', async (_, by, error) => {
    const dict = await open(new MemoryStore())
    await expect(request(dict, by, () => dict.set('a', 1))).rejects.toThrow(error)
    await expect(request(dict, by, () => dict.transact(tx => tx.set('a', 1)))).rejects.toThrow(error)
    await request(dict, by, () => dict.set('b', 1, { by: 'explicit' }))
    expect(await authors(dict)).toEqual(['explicit'])
  })

  test('is asked at each write, and also for reverts, transactions and reencode()', async () => {
    const dict = await open(new MemoryStore())
    const user = new AsyncLocalStorage<string>()
    await request(
      dict,
      () => user.getStore(),
      async () => {
        await user.run('one', () => dict.set('a', 1))
        await user.run('two', () => dict.transact(tx => tx.set('a', 2)))
        await user.run('three', async () => dict.revert((await newest(dict)).id))
        await user.run('four', () => dict.as({ by: 'view' }).set('a', 4))
      },
    )
    expect(await authors(dict)).toEqual(['view', 'three', 'two', 'one'])
  })

  test('of another request inside this one does not see its user', async () => {
    const dict = await open(new MemoryStore(), { by: 'service' })
    await request(
      dict,
      () => 'outer',
      async () => {
        await request(
          dict,
          () => undefined,
          () => dict.set('a', 1),
        )
        await dict.set('a', 2)
      },
    )
    expect(await authors(dict)).toEqual(['outer', 'service'])
  })
})

describe('a commit', () => {
  test('with a value that cannot be decoded fails for that side only', async () => {
    const dict = await withBroken()
    const { changes } = await newest(dict)
    expect(() => changes[0]?.before).toThrow(DecodingError)
    expect(changes[0]?.after).toBe('good')
  })

  test('can be made JSON and printed, whatever can be decoded', async () => {
    const dict = await withBroken()
    const commit = await newest(dict)
    const { changes } = JSON.parse(JSON.stringify(commit))
    expect(changes).toEqual([{ key: 'a', before: { error: expect.stringMatching(/JSONEncoding/) }, after: 'good' }])
    expect(JSON.stringify(commit)).not.toContain(BROKEN)
    expect(inspect(commit, { depth: 4 })).toMatch(/key: 'a',\s+before: \{[\s\S]+after: 'good'/)
    expect(inspect(commit, { depth: 0 })).not.toContain('Getter')
  })

  test('equals plain data, and can be cloned', async () => {
    const dict = await open(new MemoryStore())
    await dict.set('a', { n: 1 }, { by: 'ada' })
    const commit = await newest(dict)
    const plain = { id: commit.id, version: dict.version, at: commit.at, by: 'ada', reason: undefined, via: 'library' }
    expect(commit).toStrictEqual({ ...plain, changes: [{ key: 'a', after: { n: 1 } }] })
    expect(structuredClone(commit)).toStrictEqual({ ...plain, changes: [{ key: 'a', after: { n: 1 } }] })
  })
})

describe('the iteration', () => {
  test('rejects as soon as its signal is aborted, even while the store does not answer', async () => {
    const backend = Object.assign(new MemoryBackend(new MemoryStore()), { history: () => new Promise<never>(() => {}) })
    const dict: Dict = await DurableDict.open(backend)
    const controller = new AbortController()
    const next = dict.history({ signal: controller.signal }).next()
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })

  test('rejects with ClosedError once the dictionary is closed', async () => {
    const dict = await open(new MemoryStore())
    for (const key of ['a', 'b', 'c']) await dict.set(key, 1)
    const commits = dict.as({ by: 'ada' }).history()
    await commits.next()
    await dict.as({ by: 'bob' }).close()
    await expect(commits.next()).rejects.toThrow(ClosedError)
    await expect(dict.at('x')).rejects.toThrow(ClosedError)
    await expect(dict.revert('x')).rejects.toThrow(ClosedError)
  })

  test('reads each page once, whatever the number of commits', async () => {
    const store = new MemoryStore()
    const dict = await open(store, { history: { keep: 20_000 } })
    const groups = Array.from({ length: 20_000 }, (_, index) => ({
      conditions: [],
      operations: [{ type: 'set', key: `key ${index % 100}`, stored: `${index}` } as const],
    }))
    for (let at = 0; at < groups.length; at += 1_000)
      store.commit({ groups: groups.slice(at, at + 1_000) }, store.version)
    const page = store.history.page.bind(store.history)
    let pages = 0
    store.history.page = (...args) => {
      pages += 1
      return page(...args)
    }
    let count = 0
    for await (const _ of dict.history()) count += 1
    expect([count, pages]).toEqual([20_000, 201])
    pages = 0
    await dict.revert((await dict.history({ key: 'key 7', limit: 1 }).toArray())[0]?.id as string)
    expect(pages).toBeLessThan(5)
  })
})

describe('revert()', () => {
  const positive = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number' && value > 0 ? { value } : { issues: [{ message: 'not positive' }] },
    },
  } as const

  test('does not put back a value that the dictionary cannot decode, unless forced', async () => {
    const store = new MemoryStore()
    const dict = await withBroken(store)
    const { id } = await newest(dict)
    const error = await dict.revert(id).catch(fault => fault)
    expect(error).toBeInstanceOf(HistoryError)
    expect([error.key, error.cause]).toEqual(['a', expect.any(DecodingError)])
    expect(await dict.get('a')).toBe('good')
    await dict.revert(id, { force: true })
    expect([...store.load().entries]).toEqual([['a', BROKEN]])
  })

  test('does not put back a value that the schema refuses, unless forced', async () => {
    const store = new MemoryStore()
    const loose = await open(store)
    await loose.set('a', -1)
    await loose.set('a', 1)
    const dict: Dict = await open(store, { schema: positive })
    const { id } = await newest(dict)
    await expect(dict.revert(id)).rejects.toMatchObject({ cause: expect.any(InvalidValueError) })
    const byKey: Dict = await open(store, { schema: { b: positive } })
    await expect(byKey.revert(id)).rejects.toMatchObject({ cause: expect.any(InvalidKeyError) })
    await dict.revert(id, { force: true })
    expect(await loose.get('a')).toBe(-1)
  })

  test('does not touch a key that strictKeys refuses, unless forced', async () => {
    const store = new MemoryStore()
    const loose = await open(store)
    await loose.update({ a: 1, other: 1 })
    const dict: Dict = await open(store, { defaults: { a: 0 }, strictKeys: true })
    const { id, changes }: Commit = await newest(dict)
    expect(changes.map(({ key }) => key)).toEqual(['a', 'other'])
    expect(() => dict.history({ key: 'other' })).toThrow(InvalidKeyError)
    await expect(dict.revert(id)).rejects.toMatchObject({ key: 'other', cause: expect.any(InvalidKeyError) })
    await dict.revert(id, { keys: ['a'] })
    expect(loose.local.size).toBe(2)
    await loose.sync()
    expect(loose.local.toObject()).toEqual({ other: 1 })
    await dict.clear()
    await dict.revert((await newest(dict)).id, { force: true })
    await loose.sync()
    expect(loose.local.toObject()).toEqual({ other: 1 })
  })

  test('names a key once, and writes nothing without keys', async () => {
    const dict = await open(new MemoryStore())
    await dict.update({ a: 1, b: 1 })
    const { id } = await newest(dict)
    const keys = ['a', 'a']
    const done = dict.revert(id, { keys })
    keys.push('b')
    await done
    expect((await newest(dict)).changes.map(({ key }) => key)).toEqual(['a'])
    const { version } = dict
    await dict.revert(id, { keys: [] })
    expect(dict.version).toBe(version)
  })

  test('of a large commit finds later changes of one of its keys', async () => {
    const dict = await open(new MemoryStore())
    await dict.update(Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key ${index}`, index])))
    const { id, changes } = await newest(dict)
    expect(changes).toHaveLength(10_000)
    await dict.set('key 9000', 'new')
    await expect(dict.revert(id)).rejects.toMatchObject({ code: 'DURABLEDICT_CONFLICT', key: 'key 9000' })
    await dict.revert(id, { keys: changes.map(({ key }) => key).filter(key => key !== 'key 9000') })
    expect(dict.local.toObject()).toEqual({ 'key 9000': 'new' })
  })

  test('of a dictionary that only reads is refused, and its history can be read', async () => {
    const store = new MemoryStore()
    await (await open(store)).set('a', 1)
    const dict = await open(store, { readOnly: true })
    const { id } = await newest(dict)
    await expect(dict.as({ by: 'ada' }).revert(id)).rejects.toThrow(UnsupportedError)
    await expect(dict.history.forget({ by: 'ada' })).rejects.toThrow(UnsupportedError)
    expect((await dict.at(id)).get('a')).toBe(1)
  })

  test('{ everywhere: true } waits for the bound', async () => {
    const store = new MemoryStore()
    const [dict] = [await open(store), await open(store, { maxStaleness: 60 })]
    await dict.set('a', 1)
    const startedAt = performance.now()
    await dict.revert((await newest(dict)).id, { everywhere: true })
    expect(performance.now() - startedAt).toBeGreaterThan(55)
  })
})

describe('at()', () => {
  test('accepts a Date of another realm, and one that changes afterwards', async () => {
    const dict = await open(new MemoryStore())
    await dict.set('a', 1)
    expect((await dict.at(runInNewContext('new Date(8.64e15)'))).get('a')).toBe(1)
    const date = new Date(8.64e15)
    const past = dict.at(date)
    date.setTime(0)
    expect((await past).get('a')).toBe(1)
    await expect(dict.at(new Date(Number.NaN))).rejects.toThrow(TypeError)
  })

  test('does not say whether a key was there when that is no longer known', async () => {
    const dict = await open(new MemoryStore(), { history: { keep: 2 } })
    await dict.set('rare', 1)
    const { id } = await newest(dict)
    await dict.set('hot', 1)
    await dict.set('hot', 2)
    const past = await dict.at(id)
    expect(past.has('rare')).toBe(true)
    expect(() => past.has('hot')).toThrow(HistoryError)
  })

  test('does not take what was written without a history for the beginning', async () => {
    const store = new MemoryStore()
    const dict = await open(store, { history: false })
    await dict.set('a', 1)
    await open(store, { history: {} })
    await expect(dict.at(new Date(0))).rejects.toThrow(HistoryError)
    const commits = dict.history()
    expect([await commits.toArray(), commits.complete]).toEqual([[], false])
  })
})

test('history.forget() says what it takes', async () => {
  const dict = await open(new MemoryStore())
  for (const author of [undefined, {}, { by: '' }, { by: 'ada', reason: 'x' }, 'ada']) {
    await expect(dict.history.forget(author as never)).rejects.toThrow(TypeError)
  }
})
