import assert from 'node:assert/strict'
import type { Backend, Change, Group, Operation, Version } from '../../contract/backend.js'
import type { Attribution, HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { HistoryError } from '../../errors/errors.js'
import { ODD_KEYS, ODD_VALUES, range } from '../samples.js'
import { type Case, needs, type Topic } from '../suite.js'
import type { World } from '../world.js'
import { commit, remove, set } from './commit.js'

type Operations = readonly Operation<unknown>[]

export const group = (operations: Operations, attribution?: Attribution): Group<unknown> => ({
  conditions: [],
  operations,
  attribution,
})

const ada = { by: 'ada@example.com', reason: 'incident 4711' }
const clear = { type: 'clear' } as const
const setDefault = (key: string, stored: string) => ({ type: 'setDefault', key, stored }) as const

export async function page(
  backend: Backend<unknown>,
  query: Partial<HistoryQuery> = {},
): Promise<HistoryPage<unknown>> {
  const found = await backend.history?.({ limit: 1_000, ...query })
  assert.ok(found, 'history() must answer')
  return found
}

async function commits(backend: Backend<unknown>, query?: Partial<HistoryQuery>) {
  return (await page(backend, query)).commits
}

export const keysOf = ({ changes }: StoredCommit<unknown>) => changes.map(({ key }) => key)
const sidesOf = ({ changes }: StoredCommit<unknown>) =>
  Object.fromEntries(changes.map(({ key, before, after }) => [key, [before, after]]))

/** Who changed each key and why, as a change says it. */
function authorsOf({ effects, notes = [] }: Change<unknown>) {
  const authors = notes.flatMap(({ effects: count, by, reason }) => range(count).map(() => [by, reason]))
  return effects.map((effect, index) => [(effect as { key: string }).key, ...(authors[index] ?? [])])
}

/** Commits one group for each of the numbers, in order. */
async function write(backend: Backend<unknown>, numbers: readonly number[], key = 'a'): Promise<void> {
  for (const number of numbers) await commit(backend, group([set(key, String(number))]))
}

export const one = (run: (backend: Backend<unknown>, other: Backend<unknown>, world: World) => Promise<void>): Case =>
  needs('history', async world => run(await world.backend<unknown>(), await world.backend<unknown>(), world))

export const recordedHistory: Topic = {
  title: 'history() of the backend',
  tests: {
    'an executed group is one commit, with its author and both sides of each key': one(async (backend, other) => {
      await commit(backend, group([set('a', '1'), set('b', '2')], ada))
      const { catchUp } = await commit(backend, group([set('a', '3'), remove('b')], { by: 'bob', via: 'cli' }))
      const [newest, oldest, ...rest] = await commits(other)
      assert.deepEqual(rest, [])
      assert.ok(newest && oldest)
      assert.deepEqual(sidesOf(newest), { a: ['1', '3'], b: ['2', undefined] })
      assert.deepEqual(sidesOf(oldest), { a: [undefined, '1'], b: [undefined, '2'] })
      assert.deepEqual([newest.by, newest.reason, newest.via], ['bob', undefined, 'cli'])
      assert.deepEqual([oldest.by, oldest.reason, oldest.via], [ada.by, ada.reason, 'library'])
      assert.ok(newest.position > oldest.position, 'positions must ascend')
      assert.notEqual(newest.id, oldest.id)
      assert.ok(catchUp.type !== 'tooOld' && Object.is(newest.version, catchUp.version), 'the version after the commit')
      for (const { at } of [newest, oldest]) {
        assert.ok(Math.abs(at - Date.now()) < 3_600_000, 'the time of the commit, in ms since 1970')
      }
      assert.ok('before' in (oldest.changes[0] ?? {}) === false, 'a side must be absent if the key was')
    }),

    'each group of a batch is a commit of its own, in order': one(async backend => {
      const groups = range(5).map(number => group([set('a', String(number))], { by: `author ${number}` }))
      await commit(backend, ...groups)
      const found = await commits(backend)
      assert.deepEqual(
        found.map(({ by }) => by),
        range(5)
          .map(number => `author ${number}`)
          .reverse(),
      )
      assert.deepEqual(
        found.map(({ changes }) => changes[0]?.before),
        ['3', '2', '1', '0', undefined],
      )
      assert.equal(new Set(found.map(({ version }) => version)).size, 1, 'all of the state after the batch')
    }),

    'a conflict and a group without effect create no commit': one(async (backend, other) => {
      const before = await backend.lastUpdated()
      await commit(other, group([set('a', '1')]))
      const conflicting = {
        ...group([set('a', '2')], ada),
        conditions: [{ type: 'version', version: before }] as const,
      }
      await commit(backend, conflicting, group([remove('b')], ada), group([setDefault('a', '2')], ada))
      await backend.depersist('b')
      assert.deepEqual((await commits(backend)).map(sidesOf), [{ a: [undefined, '1'] }])
    }),

    'writes by single methods are commits as well': needs(['history', 'pop', 'setDefault'], async world => {
      const backend = await world.backend<unknown>()
      await backend.persist('a', '1')
      await backend.setDefault?.('b', '2')
      await backend.pop?.('b')
      await backend.depersist('a')
      assert.deepEqual((await commits(backend)).map(sidesOf), [
        { a: ['1', undefined] },
        { b: ['2', undefined] },
        { b: [undefined, '2'] },
        { a: [undefined, '1'] },
      ])
    }),

    'several operations on a key are one change of it': one(async backend => {
      await commit(backend, group([set('a', '1'), set('a', '2'), set('b', '1'), remove('b')]))
      const [found] = await commits(backend)
      assert.deepEqual(found && sidesOf(found), { a: [undefined, '2'], b: [undefined, undefined] })
    }),

    'a clear is one commit with every key': one(async backend => {
      const keys = range(30).map(number => `key ${number}`)
      await commit(backend, group(keys.map(key => set(key, key))))
      await commit(backend, group([clear, set('key 7', 'new')], ada))
      const [found] = await commits(backend, { limit: 1 })
      const expected = keys.map(key => [key, [key, key === 'key 7' ? 'new' : undefined]])
      assert.deepEqual(found && sidesOf(found), Object.fromEntries(expected))
      assert.equal(found?.by, ada.by)
    }),

    'pages are without gaps and doubles': one(async backend => {
      await write(backend, range(23))
      const found: string[] = []
      for (let before: string | undefined; ; ) {
        const part = await commits(backend, { limit: 5, ...(before !== undefined && { before }) })
        assert.ok(part.length <= 5)
        found.push(...part.map(({ changes }) => String(changes[0]?.after)))
        before = part.at(-1)?.id
        if (before === undefined) break
      }
      assert.deepEqual(found, range(23).map(String).reverse())
    }),

    'commits are found by key and by id': one(async backend => {
      await write(backend, range(4), 'a')
      await commit(backend, group([set('a', 'x'), set('b', 'y')]))
      await write(backend, [5], 'c')
      const byKey = await commits(backend, { key: 'b' })
      assert.deepEqual(byKey.map(keysOf), [['a', 'b']])
      assert.equal((await commits(backend, { key: 'a', limit: 3 })).length, 3)
      assert.deepEqual(await commits(backend, { key: 'missing' }), [])
      const id = byKey[0]?.id as string
      assert.deepEqual(await commits(backend, { id, limit: 1 }), byKey)
    }),

    'odd keys, values and attributions are kept as they are': one(async backend => {
      const keys = ODD_KEYS.slice(0, 40)
      await commit(backend, group(keys.map(key => set(key, 'x'))))
      const values = ODD_VALUES.slice(0, keys.length)
      await commit(backend, group(values.map((value, index) => set(keys[index] as string, value))))
      const [second, first] = await commits(backend)
      assert.deepEqual(first && keysOf(first).sort(), [...keys].sort())
      const expected = values.map((value, index) => [keys[index], ['x', value]])
      assert.deepEqual(second && sidesOf(second), Object.fromEntries(expected))
      for (const text of [
        "'; DROP TABLE x; --",
        '<script>alert(1)</script>',
        '\u{1F600}\u2028"\\\'\n',
        '{"a":[1,',
        'x'.repeat(256),
      ]) {
        await commit(backend, group([set('a', text)], { by: text, reason: text.repeat(4) }))
        const [found] = await commits(backend, { limit: 1 })
        assert.deepEqual([found?.by, found?.reason], [text, text.repeat(4)])
      }
    }),

    'changes say whose they are': needs(['history', 'changesSince'], async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      await backend.persist('a', '1')
      const since = await other.lastUpdated()
      await commit(backend, group([set('a', '2'), set('b', '2')], ada), group([set('c', '3')]))
      const answer = await other.changesSince?.(since)
      assert.equal(answer?.type, 'changes')
      const notes = answer?.type === 'changes' ? answer.changes.flatMap(change => change.notes ?? []) : []
      assert.deepEqual(
        notes.map(({ by, reason, effects }) => [by, reason, effects]),
        [
          [ada.by, ada.reason, 2],
          [undefined, undefined, 1],
        ],
      )
    }),

    'writers of many backends at once lose no commit and make none up': one(async (backend, other) => {
      const writers = [backend, other].map(async (one, writer) => {
        for (const number of range(10)) {
          await commit(one, group([set(`key ${writer}`, String(number))], { by: `writer ${writer}` }))
        }
      })
      await Promise.all(writers)
      const found = await commits(backend)
      assert.equal(found.length, 20)
      for (const writer of range(2)) {
        const own = found.filter(({ by }) => by === `writer ${writer}`)
        assert.deepEqual(
          own.map(({ changes }) => changes[0]?.after),
          range(10).map(String).reverse(),
        )
      }
    }),

    'the recorded policy holds for every writer': one(async (backend, other) => {
      await backend.setHistoryPolicy?.({ keep: 5, days: 90 })
      for (const number of range(12)) await commit(other, group([set(`key ${number}`, 'x')]))
      const { commits: found, floor } = await page(other)
      assert.deepEqual(
        found.map(commit => keysOf(commit)[0]),
        [11, 10, 9, 8, 7].map(number => `key ${number}`),
      )
      assert.equal(floor, (found.at(-1)?.position ?? 0) - 1, 'the floor is the newest that was dropped')
    }),

    'a key that is rewritten all the time does not evict the others': one(async backend => {
      await backend.setHistoryPolicy?.({ keep: 10, days: 90 })
      await commit(backend, group([set('payments', 'off')], ada))
      await write(backend, range(30), 'heartbeat')
      const { commits: found, floor, dropped } = await page(backend)
      assert.equal(found.length, 10)
      assert.equal(found.at(-1)?.by, ada.by)
      assert.equal(floor, 0)
      const last = new Map(dropped).get('heartbeat')
      assert.equal(last, (found.at(-2)?.position ?? 0) - 1, 'dropped commits are known by key')
    }),

    'a policy of false drops the history and keeps none': one(async (backend, other) => {
      await write(backend, range(3))
      await backend.setHistoryPolicy?.(false)
      await write(other, [4])
      const { commits: found, floor } = await page(backend)
      assert.deepEqual(found, [])
      assert.ok(floor > 0, 'what was dropped must show')
      await other.setHistoryPolicy?.({ keep: 100, days: 1 })
      await write(backend, [5])
      const again = await page(other)
      assert.deepEqual(again.commits.map(sidesOf), [{ a: ['4', '5'] }])
      assert.equal(again.floor, (again.commits[0]?.position ?? 0) - 1)
    }),

    'what was written without a history is missing from it': one(async (backend, other) => {
      await backend.setHistoryPolicy?.(false)
      await write(backend, [1])
      await other.setHistoryPolicy?.({ keep: 100, days: 1 })
      const { commits: found, floor } = await page(backend)
      assert.deepEqual(found, [])
      assert.ok(floor > 0, 'the history must not pass for a complete one')
    }),

    'a policy changes nothing of the dictionary': one(async (backend, other) => {
      await write(backend, [1])
      const version: Version = await backend.lastUpdated()
      await other.setHistoryPolicy?.({ keep: 3, days: 1 })
      assert.ok(Object.is(await backend.lastUpdated(), version))
    }),

    'an author is forgotten, the commits stay': one(async (backend, other) => {
      await commit(
        backend,
        group([set('a', '1')], ada),
        group([set('a', '2')], { by: 'bob' }),
        group([set('a', '3')], ada),
      )
      assert.equal(await other.forgetAuthor?.(ada.by), 2)
      assert.deepEqual(
        (await commits(backend)).map(({ by, reason }) => [by, reason]),
        [
          [undefined, ada.reason],
          ['bob', undefined],
          [undefined, ada.reason],
        ],
      )
      assert.equal(await other.forgetAuthor?.('nobody'), 0)
    }),

    'a forgotten author is no longer in the change log, which still says everything else': needs(
      ['history', 'changesSince'],
      async world => {
        const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
        const since = await other.lastUpdated()
        await commit(backend, group([set('a', '1')], ada), group([set('b', `"by":"${ada.by}"`)], { by: 'bob' }))
        await commit(backend, group([set('a', '2'), { type: 'pop', key: 'b' }], ada))
        await backend.forgetAuthor?.(ada.by)
        await commit(backend, group([set('a', '3')], { by: 'cy', reason: 'next' }))
        // Another process may have followed before the name was removed. A new one has read the log only now, if it reads that at all.
        const late = await (await world.backend<unknown>()).changesSince?.(since)
        const answer = late?.type === 'changes' ? late : await other.changesSince?.(since)
        assert.ok(answer?.type === 'changes', `changesSince() returned ${answer?.type}`)
        const nameOf = (by: string | undefined) => (answer !== late && by === ada.by ? undefined : by)
        const found = answer.changes.flatMap(authorsOf).map(([key, by, reason]) => [key, nameOf(by), reason])
        assert.deepEqual(found, [
          ['a', undefined, ada.reason],
          ['b', 'bob', undefined],
          ['a', undefined, ada.reason],
          ['b', undefined, ada.reason],
          ['a', 'cy', 'next'],
        ])
      },
    ),

    'a touch announces what is stored, with the value before': one(async (backend, other) => {
      await commit(backend, group([set('a', 'new')]))
      const since = await other.lastUpdated()
      const touch = { type: 'touch', key: 'a', before: 'old' } as const
      await commit(backend, group([touch, { type: 'touch', key: 'b', before: 'gone' }], { via: 'outside' }))
      const [found] = await commits(backend, { limit: 1 })
      assert.deepEqual(found && sidesOf(found), { a: ['old', 'new'], b: ['gone', undefined] })
      assert.equal(found?.via, 'outside')
      assert.ok(!Object.is(await other.lastUpdated(), since), 'a touch is a change')
    }),

    'a commit of another history is refused': one(async (backend, _other, world) => {
      await write(backend, [1])
      const elsewhere = (await world.elsewhere()) as Backend<unknown>
      await write(elsewhere, range(3))
      const id = (await commits(elsewhere))[0]?.id as string
      await assert.rejects(async () => backend.history?.({ before: id, limit: 1 }), HistoryError)
      assert.deepEqual(await commits(backend, { id }), [])
    }),
  },
}
