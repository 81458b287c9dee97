import assert from 'node:assert/strict'
import { ConflictError, HistoryError, UnsupportedError } from '../../errors/errors.js'
import { commitEverywhere } from '../contract/presence.js'
import { rejects, rejectsMisuse } from '../expect.js'
import { range } from '../samples.js'
import { everyMode, lacks, needs, type Topic } from '../suite.js'
import type { Dict } from '../world.js'

const ada = { by: 'ada@example.com', reason: 'incident 4711' }

/** Texts of four bytes in UTF-8. */
const FOUR_BYTES = ['😀', '\u{10ffff}', 'éü', '\u2028x', '"\\\'\n', "';--", '</a>', '\x1b[1m', '{"a"']

const newest = async (dict: Dict) => {
  const [commit] = await dict.history({ limit: 1 }).toArray()
  assert.ok(commit, 'there must be a commit')
  return commit
}

export const history: Topic = {
  title: 'the history of a dictionary',
  modes: everyMode,
  tests: {
    'every kind of write is a commit, by its author': needs('history', async world => {
      const [dict, other] = [await world.open({ by: 'service' }), await world.open()]
      await dict.set('a', { n: 1 })
      await dict.update({ a: { n: 2 }, b: [2] }, ada)
      await dict.setDefault('c', 3, { by: 'bob' })
      await dict.pop('c', undefined, { reason: 'cleaning up' })
      await dict.delete('b')
      await dict.transact(tx => tx.set('a', 'x'), { by: 'transaction' })
      await dict.as({ by: 'view' }).clear()
      const commits = await other.history().toArray()
      assert.deepEqual(
        commits.map(({ by, reason }) => [by, reason]),
        [
          ['view', undefined],
          ['transaction', undefined],
          ['service', undefined],
          ['service', 'cleaning up'],
          ['bob', undefined],
          [ada.by, ada.reason],
          ['service', undefined],
        ],
      )
      const sides = commits[5]?.changes.map(({ key, before, after }) => [key, before, after]).sort()
      assert.deepEqual(sides, [
        ['a', { n: 1 }, { n: 2 }],
        ['b', undefined, [2]],
      ])
      for (const { at, via } of commits) {
        assert.ok(at instanceof Date)
        assert.equal(via, 'library')
      }
      const { version } = await other.snapshot()
      await other.sync()
      assert.ok(Object.is((await newest(other)).version, other.version), String(version))
    }),

    'writes that share a batch keep their own author': needs('history', async world => {
      const dict = await world.open()
      await Promise.all(range(10).map(number => dict.set('a', number, { by: `author ${number}` })))
      const authors = (await dict.history().toArray()).map(({ by }) => by)
      assert.deepEqual(
        authors,
        range(10)
          .map(number => `author ${number}`)
          .reverse(),
      )
    }),

    'attributions at the limits of their bytes are kept as they are': needs('history', async world => {
      const dict = await world.open()
      const authors = FOUR_BYTES.map(text => ({ by: text.repeat(64), reason: text.repeat(256) }))
      await Promise.all(authors.map((author, number) => dict.set('a', number, author)))
      const found = await dict.history().toArray()
      assert.deepEqual(found.map(({ by, reason }) => ({ by, reason })).reverse(), authors)
      await rejectsMisuse(dict.set('a', 1, { by: `${'😀'.repeat(64)}x` }))
      await rejectsMisuse(dict.set('a', 1, { reason: `${'😀'.repeat(256)}x` }))
    }),

    'iterates by pages of the caller': needs('history', async world => {
      const dict = await world.open()
      for (const number of range(6)) await dict.set('a', number)
      const first = await dict.history({ limit: 4 }).toArray()
      const rest = dict.history({ before: first.at(-1)?.id, key: 'a' })
      assert.equal(rest.complete, undefined)
      assert.deepEqual(
        [...first, ...(await rest.toArray())].map(({ changes }) => changes[0]?.after),
        [5, 4, 3, 2, 1, 0],
      )
      assert.equal(rest.complete, true)
      assert.deepEqual(await dict.history({ key: 'b' }).toArray(), [])
    }),

    'watch and the change event carry author and reason': needs(['history', 'changesSince'], async world => {
      const [dict, other] = [await world.open(), await world.open()]
      const changes = other.watch()
      const event = new Promise<{ by?: string; reason?: string }>(resolve => other.on('change', resolve))
      await dict.set('a', 1, ada)
      await other.sync()
      const { value } = await changes.next()
      assert.deepEqual([value.by, value.reason], [ada.by, ada.reason])
      const { by, reason } = await event
      assert.deepEqual([by, reason], [ada.by, ada.reason])
    }),

    'revert() puts back what the keys held before': needs('history', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.update({ a: 1, b: 1 })
      await dict.transact(tx => {
        tx.set('a', 2)
        tx.delete('b')
        tx.set('c', 2)
      })
      const { id } = await newest(other)
      await other.revert(id, ada)
      await dict.sync()
      assert.deepEqual(new Map(dict.local), new Map(Object.entries({ a: 1, b: 1 })))
      const commit = await newest(dict)
      assert.deepEqual([commit.by, commit.reason], [ada.by, ada.reason])
      await dict.revert(commit.id)
      assert.deepEqual(dict.local.toObject(), { a: 2, c: 2 })
    }),

    'revert() rejects with ConflictError when a key was changed since': needs('history', async world => {
      const dict = await world.open()
      await dict.update({ a: 1, b: 1 })
      const { id } = await newest(dict)
      await dict.set('a', 2)
      const error = await rejects(dict.revert(id), ConflictError)
      assert.equal(error.key, 'a')
      assert.match(error.message, /"a"/)
      await dict.revert(id, { keys: ['b'] })
      assert.deepEqual(dict.local.toObject(), { a: 2 })
      await dict.revert(id, { force: true })
      assert.deepEqual(dict.local.toObject(), {})
    }),

    'of two concurrent reverts exactly one wins': needs('history', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', 1)
      await dict.set('a', 2)
      const { id } = await newest(dict)
      const results = await Promise.allSettled([dict.revert(id), other.revert(id)])
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      await dict.sync()
      assert.equal(dict.local.get('a'), 1)
      assert.equal((await dict.history().toArray()).length, 3)
    }),

    'of a revert and a concurrent write that depends on the same value exactly one wins': needs(
      'history',
      async world => {
        const [dict, other] = [await world.open(), await world.open()]
        await dict.set('a', 'old')
        // In each mode.
        for (const round of range(5)) {
          await dict.set('a', 'new')
          await other.sync()
          const { id } = await newest(dict)
          const writing = other.transact(async tx => {
            if ((await tx.get('a')) !== 'new') return false
            tx.set('a', `written ${round}`)
            return true
          })
          const [reverted, written] = await Promise.allSettled([dict.revert(id), writing])
          assert.ok(written.status === 'fulfilled', 'a transaction is repeated')
          assert.equal(reverted.status, written.value ? 'rejected' : 'fulfilled')
          if (reverted.status === 'rejected') assert.ok(reverted.reason instanceof ConflictError)
          const [last, before] = await other.history({ limit: 2 }).toArray()
          assert.equal(before?.id, id, 'the loser must leave no commit')
          assert.equal(last?.changes[0]?.after, written.value ? `written ${round}` : 'old')
          await other.set('a', 'old')
        }
      },
    ),

    'the policy of the latest opener holds for all': needs('history', async world => {
      const first = await world.open({ history: { keep: 9 } })
      const second = await world.open({ history: { keep: 3 } })
      for (const number of range(5)) await first.set(`key ${number}`, number)
      assert.equal((await first.history().toArray()).length, 3)
      await first.sync()
      await second.set('a', 1)
      assert.equal((await second.history().toArray()).length, 3)
    }),

    'revert() of a clear brings everything back': needs('history', async world => {
      const dict = await world.open()
      // Beyond the keys that a revert guards one by one: in one mode, because the limit is the same in all of them.
      const count = world.mode.live && world.mode.autosync !== false ? 1_500 : 300
      const entries = Object.fromEntries(range(count).map(number => [`key ${number}`, number]))
      await dict.update(entries)
      await dict.clear()
      await dict.revert((await newest(dict)).id)
      assert.deepEqual(dict.local.toObject(), entries)
    }),

    'revert() of an unknown commit rejects with HistoryError': needs('history', async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      await rejects(dict.revert('no such commit'), HistoryError)
      const { id } = await newest(dict)
      await rejects(dict.revert(id, { keys: ['b'] }), HistoryError)
    }),

    'at() is the state after a commit': needs('history', async world => {
      const [dict, other] = [await world.open({ defaults: { d: 'default' } }), await world.open()]
      const states: Readonly<Record<string, unknown>>[] = []
      const ids: string[] = []
      for (const number of range(5)) {
        await dict.update({ a: number, [`key ${number}`]: number })
        if (number === 3) await dict.delete('key 1')
        states.push(dict.local.toObject())
        ids.push((await newest(other)).id)
      }
      for (const [index, id] of ids.entries()) assert.deepEqual((await dict.at(id)).toObject(), states[index])
      assert.equal((await dict.at(ids[0] as string)).get('d'), 'default')
      assert.deepEqual((await dict.at(new Date(Date.now() + 86_400_000))).toObject(), states.at(-1))
      assert.deepEqual((await dict.at(new Date(0))).toObject(), { d: 'default' })
    }),

    'at() answers when the latest change had no effect': needs(['history', 'presence'], async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      await commitEverywhere(await world.backend<unknown>())
      const ids = [(await newest(dict)).id, new Date(Date.now() + 86_400_000)]
      for (const when of ids) assert.deepEqual((await dict.at(when)).toObject(), { a: 1 })
    }),

    'at() rejects with HistoryError when the history does not reach back': needs('history', async world => {
      const dict = await world.open({ history: { keep: 3 } })
      for (const number of range(9)) await dict.set(`key ${number}`, number)
      const commits = dict.history()
      assert.equal((await commits.toArray()).length, 3)
      assert.equal(commits.complete, false)
      await rejects(dict.at(new Date(0)), HistoryError)
      await rejects(dict.at('1-unknown'), HistoryError)
    }),

    'a value that is no longer known fails for its own key only': needs('history', async world => {
      const dict = await world.open({ history: { keep: 6 } })
      await dict.set('rare', 'first')
      const { id } = await newest(dict)
      for (const number of range(20)) await dict.set('hot', number)
      const past = await dict.at(id)
      assert.equal(past.get('rare'), 'first')
      assert.throws(() => past.get('hot'), HistoryError)
    }),

    'history.forget() removes an author': needs('history', async world => {
      const dict = await world.open()
      await dict.set('a', 1, ada)
      assert.equal(await dict.history.forget({ by: ada.by }), 1)
      assert.equal((await newest(dict)).by, undefined)
    }),

    'history, revert and at reject with UnsupportedError': lacks('history', async world => {
      const dict = await world.open({ by: 'ignored' })
      await dict.set('a', 1, ada)
      await rejects(dict.history().toArray(), UnsupportedError)
      await rejects(dict.revert('x'), UnsupportedError)
      await rejects(dict.at('x'), UnsupportedError)
      await rejects(dict.history.forget({ by: 'x' }), UnsupportedError)
      await rejects(world.open({ history: { keep: 10 } }), UnsupportedError)
    }),

    'wrong attributions and options are a TypeError': needs('history', async world => {
      const dict = await world.open()
      for (const by of ['', 'x'.repeat(257), 'a\0b', '\ud800', 7]) {
        await rejectsMisuse(dict.set('a', 1, { by: by as string }))
        assert.throws(() => dict.as({ by: by as string }), TypeError)
        await rejectsMisuse(world.open({ by: by as string }))
      }
      await rejectsMisuse(dict.set('a', 1, { reason: 'x'.repeat(1_025) }))
      for (const options of [{ limit: 0 }, { before: 7 }, { unknown: 1 }, { signal: 1 }]) {
        assert.throws(() => dict.history(options as never), TypeError)
      }
      for (const policy of [true, { keep: 0 }, { days: -1 }, { months: 1 }]) {
        await rejectsMisuse(world.open({ history: policy as never }))
      }
      assert.deepEqual(await dict.history().toArray(), [])
    }),
  },
}
