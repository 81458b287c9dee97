import { rename } from 'node:fs/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { modernNode } from '../../scripts/modern-node.js'
import { BorrowedHandle } from '../../src/backends/sqlite/borrowed-handle.js'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.js'
import type { Stored } from '../../src/backends/sqlite/text.js'
import type { Operation } from '../../src/contract/backend.js'
import { DamagedValue } from '../../src/contract/damaged-value.js'
import { DEFAULT_POLICY, type HistoryPage, type HistoryPolicy, type HistoryQuery } from '../../src/contract/history.js'
import { retain } from '../../src/contract/retention.js'
import { HistoryError, SqliteDict } from '../../src/index.js'
import { checkClockJump } from '../clock-jump.js'
import { backendOf, rawHandle } from './backend.js'
import { children } from './child.js'
import { folders } from './folder.js'
import { bypassTriggers, forgetHistory, writeWithoutHistory } from './without-history.js'

const fileIn = folders()
const startChild = children()
const opened: OwnHandle[] = []

afterEach(() => {
  for (const handle of opened.splice(0)) handle.close()
})

/** A dictionary in memory and two backends of it. Nothing is synced to a disk. */
async function inMemory() {
  const raw = await rawHandle(':memory:')
  opened.push(raw)
  const [backend, other] = ['d', 'd'].map(name => new SqliteBackend(name, new BorrowedHandle(raw, name), 1_000))
  return { raw, backend: backend as SqliteBackend, other: other as SqliteBackend }
}

const page = async (backend: SqliteBackend, query: Partial<HistoryQuery> = {}): Promise<HistoryPage<unknown>> =>
  backend.history({ limit: 1_000, ...query })

const valuesOf = ({ commits }: HistoryPage<unknown>) => commits.map(({ changes }) => changes[0]?.after)

const onlyOf = ([first, ...others]: readonly string[]) => (others.length === 0 ? first : undefined)

const range = (length: number) => Array.from({ length }, (_, index) => index)

const count = (raw: OwnHandle, table: string) =>
  (raw.prepare(`SELECT count(*) AS n FROM durabledict_${table}`).get() as { n: number }).n

async function update(backend: SqliteBackend, keys: readonly string[], by?: string): Promise<void> {
  const operations = keys.map(key => ({ type: 'set', key, stored: 'x' }) as const)
  await backend.commit({ id: crypto.randomUUID(), groups: [{ conditions: [], operations, attribution: { by } }] }, '')
}

describe('A file of a release without a history', () => {
  it('is followed, and its history is empty and not complete', async () => {
    const { raw, backend, other } = await inMemory()
    await backend.persist('a', '1')
    forgetHistory(raw)
    const since = await other.lastUpdated()
    writeWithoutHistory(raw, 'a', '2')
    expect(await other.changesSince(since)).toMatchObject({ changes: [{ effects: [{ key: 'a', stored: '2' }] }] })
    expect(await page(other)).toMatchObject({ commits: [], floor: 1 })
  })

  it('gets its history with the first write', async () => {
    const { raw, backend, other } = await inMemory()
    await backend.persist('a', '1')
    forgetHistory(raw)
    await other.persist('a', '2')
    for (const one of [backend, other]) {
      const { commits, floor } = await page(one)
      expect(commits).toMatchObject([{ changes: [{ key: 'a', before: '1', after: '2' }] }])
      expect(floor).toBe((commits[0]?.position ?? 0) - 1)
    }
  })

  it('gets a policy', async () => {
    const { raw, backend, other } = await inMemory()
    await backend.persist('a', '1')
    forgetHistory(raw)
    await other.setHistoryPolicy({ keep: 1, days: 1 })
    for (const value of ['2', '3']) await backend.persist('a', value)
    expect(valuesOf(await page(backend))).toEqual(['3'])
  })

  it('is not upgraded by { readOnly: true }', async () => {
    const { raw, backend, other } = await inMemory()
    await backend.persist('a', '1')
    forgetHistory(raw)
    raw.exec('PRAGMA query_only = ON')
    other.restrictToReads()
    expect([...(await other.load()).entries]).toEqual([['a', '1']])
    expect(await page(other)).toMatchObject({ commits: [], floor: 1 })
  })

  it.each([20, 24])('is upgraded by many processes at once (Node %i)', async major => {
    const execPath = await modernNode(major)
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 0)
    await dict.close()
    const raw = await rawHandle(file)
    forgetHistory(raw)
    const all = await Promise.all(range(3).map(() => startChild({ execPath })))
    await Promise.all(all.map(child => child.do('open', 'd', file)))
    await Promise.all(all.map((child, n) => child.do('call', 'set', `key${n}`, n)))
    const backend = await backendOf('d', file)
    expect((await page(backend)).commits).toHaveLength(3)
    backend.close()
    raw.close()
  })
})

describe('A write by a release without a history', () => {
  it('ends the history, which has no gaps', async () => {
    const { raw, backend, other } = await inMemory()
    for (const value of ['1', '2']) await backend.persist('a', value)
    writeWithoutHistory(raw, 'a', '3')
    // The triggers recorded it, but that release has moved the head behind it.
    expect(await page(other)).toMatchObject({ commits: [], floor: 3 })
    await backend.persist('a', '4')
    expect(await page(other)).toMatchObject({
      commits: [{ position: 4, changes: [{ before: '3', after: '4' }] }],
      floor: 3,
    })
  })

  it('leaves nothing of it in the file', async () => {
    const { raw, backend } = await inMemory()
    await update(backend, ['a', 'b'])
    await backend.persist('a', '2')
    writeWithoutHistory(raw, 'a', '3')
    for (const _ of range(8)) await backend.persist('c', 'x')
    expect([count(raw, 'commits'), count(raw, 'commit_keys')]).toEqual([8, 8])
  })

  it('as the first of all shows as well', async () => {
    const { raw, backend } = await inMemory()
    await backend.lastUpdated()
    expect((await page(backend)).floor).toBe(0)
    writeWithoutHistory(raw, 'a', '1')
    await backend.persist('a', '2')
    expect((await page(backend)).floor).toBe(1)
  })
})

describe('The commit of a clear', () => {
  const commit = async (backend: SqliteBackend, operations: readonly Operation<Stored>[]) =>
    backend.commit({ id: crypto.randomUUID(), groups: [{ conditions: [], operations }] }, '')

  /** Makes the backend record a clear key by key. */
  const addTrigger = (raw: OwnHandle) =>
    raw.exec('CREATE TRIGGER idle AFTER UPDATE OF dict ON durabledict_entries BEGIN SELECT 1; END')

  it('is the same whether its keys are recorded one by one or all at once', async () => {
    const key = fc.constantFrom('a', 'b', 'é', 'nul\0', '\u0001', 'z')
    const stored = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(Buffer.from('bytes')))
    const operation = fc.oneof(
      fc.record({ type: fc.constant('set' as const), key, stored }),
      fc.record({ type: fc.constantFrom('delete' as const, 'pop' as const), key }),
      fc.record({ type: fc.constant('touch' as const), key, before: fc.option(stored, { nil: undefined }) }),
      fc.constant({ type: 'clear' } as const),
    )
    const start = fc.array(fc.record({ type: fc.constant('set' as const), key, stored }))
    await fc.assert(
      fc.asyncProperty(start, fc.array(operation), fc.array(operation), async (first, before, after) => {
        const [whole, single] = [await inMemory(), await inMemory()]
        await single.backend.lastUpdated()
        addTrigger(single.raw)
        for (const { backend } of [whole, single]) {
          await commit(backend, first)
          await commit(backend, [...before, { type: 'clear' }, ...after])
          await commit(backend, first)
          await commit(backend, [{ type: 'clear' }, ...after])
        }
        const [found, expected] = [await page(whole.backend), await page(single.backend)]
        expect(found.commits.map(({ changes }) => changes)).toEqual(expected.commits.map(({ changes }) => changes))
      }),
      { numRuns: Number(process.env.RUNS ?? 30) },
    )
  })

  it('has damaged values, and no keys that the dictionary ignores', async () => {
    const { raw, backend } = await inMemory()
    await backend.lastUpdated()
    const clear = async () => {
      await commit(backend, [{ type: 'clear' }])
      return (await page(backend, { limit: 1 })).commits[0]?.changes
    }
    const damaged = { before: expect.any(DamagedValue) }
    for (const ignored of ['', "('d', '', 'x'), ('d', x'61', 'x'), ('d', char(1), 'x'),"]) {
      raw.exec(
        `INSERT INTO durabledict_entries VALUES ${ignored} ('d', 'a', 5), ('d', 'b', CAST(x'ff' AS TEXT)), ('d', 'c', '1')`,
      )
      expect(await clear()).toEqual([
        { key: 'a', ...damaged },
        { key: 'b', ...damaged },
        { key: 'c', before: '1' },
      ])
    }
  })

  it('costs less than ten times a clear without history', async () => {
    const timeOf = async (policy: HistoryPolicy) => {
      const { raw, backend } = await inMemory()
      await backend.setHistoryPolicy(policy)
      const rows = `SELECT 'd', 'key ' || value, '"value"' FROM json_each('${JSON.stringify(range(20_000))}')`
      bypassTriggers(raw, `INSERT INTO durabledict_entries ${rows}`)
      const start = process.cpuUsage()
      await commit(backend, [{ type: 'clear' }])
      const { user, system } = process.cpuUsage(start)
      expect(count(raw, 'commit_keys')).toBe(policy ? 20_000 : 0)
      return user + system
    }
    const best = async (policy: HistoryPolicy) => {
      const times: number[] = []
      for (const _ of range(4)) times.push(await timeOf(policy))
      return Math.min(...times)
    }
    expect((await best(DEFAULT_POLICY)) / (await best(false))).toBeLessThan(10)
  })
})

describe('The history', () => {
  it('is complete in a new dictionary, and not in one whose head was lost', async () => {
    const { raw, backend } = await inMemory()
    await backend.persist('a', '1')
    expect(await page(backend)).toMatchObject({ commits: [{ position: 1 }], floor: 0 })
    raw.exec('DELETE FROM durabledict_heads')
    await backend.persist('a', '2')
    expect(await page(backend)).toMatchObject({ commits: [{ changes: [{ before: '1', after: '2' }] }], floor: 1 })
  })

  it.each(['commits', 'commit_keys'])('begins again when the table durabledict_%s was removed', async table => {
    const { raw, backend } = await inMemory()
    await backend.persist('a', '1')
    raw.exec(`DROP TABLE durabledict_${table}`)
    expect((await page(backend)).commits.length).toBe(0)
    await backend.persist('a', '2')
    const { commits, floor } = await page(backend)
    expect(commits).toMatchObject([{ changes: [{ before: '1', after: '2' }] }])
    expect(floor).toBe(1)
  })

  it('follows a restored file, and recognizes ids of what was lost', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    await backend.persist('a', '1')
    const raw = await rawHandle(file)
    raw.exec(`VACUUM INTO '${file}.backup'`)
    raw.close()
    await backend.persist('a', 'lost')
    const [lost] = (await page(backend)).commits
    const before = lost?.id as string
    await rename(`${file}.backup`, file)
    expect(valuesOf(await page(backend))).toEqual(['1'])
    await expect(async () => page(backend, { before })).rejects.toThrow(HistoryError)
    await backend.persist('a', '2')
    expect(valuesOf(await page(backend))).toEqual(['2', '1'])
    await expect(async () => page(backend, { before })).rejects.toThrow(HistoryError)
    expect(await page(backend, { id: before })).toMatchObject({ commits: [] })
    backend.close()
  })

  it('pages on from a commit that has been dropped', async () => {
    const { backend } = await inMemory()
    for (const value of ['1', '2', '3']) await backend.persist('a', value)
    const before = (await page(backend)).commits[1]?.id as string
    await backend.setHistoryPolicy({ keep: 1, days: 90 })
    expect(await page(backend, { before })).toMatchObject({ commits: [], floor: 2 })
  })

  it('drops what is too old, by its own time', async () => {
    const { raw, backend } = await inMemory()
    await backend.setHistoryPolicy({ keep: 1_000, days: 1 })
    for (const _ of range(3)) await backend.persist('a', 'old')
    raw.exec(`UPDATE durabledict_commits SET at = at - 86400001`)
    for (const _ of range(61)) await backend.persist('a', 'young')
    const { commits, floor } = await page(backend)
    expect([commits.length, floor]).toEqual([61, 3])
  })

  it('drops the same commits as the contract says', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const commit = fc.record({
      keys: fc.uniqueArray(key, { minLength: 1 }),
      age: fc.constantFrom(0, 1_000, 1_400, 1_600, 2_000),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(commit, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        async (all, keep) => {
          const { raw, backend } = await inMemory()
          const now = Date.now()
          for (const [index, { keys, age }] of all.entries()) {
            await update(backend, keys)
            raw.exec(`UPDATE durabledict_commits SET at = ${now - age * 86_400} WHERE position = ${index + 1}`)
          }
          await backend.setHistoryPolicy({ keep, days: 1.5 })
          const index = all.map(({ keys, age }, n) => ({ position: n + 1, at: now - age * 86_400, key: onlyOf(keys) }))
          const expected = retain(index, { keep, days: 1.5 }, now, 0)
          const { commits, floor, dropped } = await page(backend)
          const gone = new Set(expected.positions)
          const kept = index.filter(({ position }) => !gone.has(position)).map(({ position }) => position)
          expect(commits.map(({ position }) => position)).toEqual(kept.reverse())
          expect([floor, new Map(dropped)]).toEqual([expected.floor, expected.dropped])
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 10) },
    )
  })

  it('is ordered by the commits, and none is dropped too early, when the clock has jumped', async () => {
    const raw = await rawHandle(':memory:')
    opened.push(raw)
    const dict = await SqliteDict.open('d', raw)
    await checkClockJump(dict, async (position, at) =>
      raw.exec(`UPDATE durabledict_commits SET at = ${at} WHERE position = ${position}`),
    )
    await dict.close()
  })

  it('removes large commits a few rows with each write', async () => {
    const { raw, backend } = await inMemory()
    await backend.setHistoryPolicy({ keep: 1, days: 90 })
    await update(backend, range(3_000).map(String))
    const rows: number[] = []
    for (let n = 0; n < 100 && rows.at(-1) !== 1; n += 1) {
      await backend.persist('a', 'x')
      rows.push(count(raw, 'commit_keys'))
    }
    expect(rows.at(-1)).toBe(1)
    for (const [n, left] of rows.entries()) expect((rows[n - 1] ?? 3_001) - left).toBeLessThanOrEqual(512)
  })

  it('forgets an author in the log as well', async () => {
    const { raw, backend, other } = await inMemory()
    const since = await other.lastUpdated()
    for (const by of ['zoe', 'bob', 'zoe\0']) await update(backend, ['a', 'b'], by)
    expect(await other.forgetAuthor('zoe')).toBe(1)
    expect(await other.forgetAuthor('zoe\0')).toBe(1)
    expect(await other.changesSince(since)).toMatchObject({
      changes: [{ notes: [{}] }, { notes: [{ by: 'bob' }] }, {}],
    })
    // A name that is not hexadecimal, as random columns are.
    const text = ['commits', 'changes'].map(table =>
      JSON.stringify(raw.prepare(`SELECT * FROM durabledict_${table}`).all()),
    )
    expect(text.join()).not.toContain('zoe')
  })

  it('keeps that a value was damaged', async () => {
    const { raw, backend } = await inMemory()
    await backend.persist('a', '1')
    raw.exec('UPDATE durabledict_entries SET value = 5')
    await backend.persist('a', '2')
    const [change] = (await page(backend)).commits[0]?.changes ?? []
    expect(change?.before).toBeInstanceOf(DamagedValue)
    expect(change?.after).toBe('2')
  })

  it.each([
    "UPDATE durabledict_commits SET nonce = 'none' WHERE position = 2",
    "UPDATE durabledict_commits SET author = x'ff' WHERE position = 2",
    'UPDATE durabledict_commits SET at = 9000000000000000 WHERE position = 2',
    'DELETE FROM durabledict_commit_keys WHERE position = 2',
    "UPDATE durabledict_commit_keys SET key = CAST(x'ff' AS TEXT) WHERE position = 2 AND key = 'a'",
  ])('ends, without gaps, at a damaged row: %s', async sql => {
    const { raw, backend } = await inMemory()
    for (const _ of range(3)) await update(backend, ['a', 'b'])
    raw.exec(sql)
    expect(await page(backend)).toMatchObject({ commits: [{ position: 3 }], floor: 2 })
    expect(await page(backend, { limit: 1 })).toMatchObject({ commits: [{ position: 3 }], floor: 0 })
  })

  it('ignores columns and fields that it does not know', async () => {
    const { raw, backend, other } = await inMemory()
    await update(backend, ['a'], 'ada')
    const since = await other.lastUpdated()
    for (const table of ['heads', 'entries', 'changes', 'commits', 'commit_keys', 'dropped'])
      raw.exec(`ALTER TABLE durabledict_${table} ADD COLUMN unknown DEFAULT 7`)
    await update(backend, ['a'], 'bob')
    raw.exec(`UPDATE durabledict_changes SET note = '{"unknown":[1],' || substr(note, 2)`)
    expect((await page(other)).commits).toMatchObject([{ by: 'bob' }, { by: 'ada' }])
    expect(await other.changesSince(since)).toMatchObject({ changes: [{ notes: [{ effects: 1, by: 'bob' }] }] })
  })
})
