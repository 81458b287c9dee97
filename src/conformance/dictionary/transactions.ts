import assert from 'node:assert/strict'
import { ConflictError, EncodingError, KeyError, UnsupportedError } from '../../errors/errors.js'
import { failure, rejects, rejectsMisuse } from '../expect.js'
import { range } from '../samples.js'
import { type Body, everyMode, lacks, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

const committing = (run: (dict: Dict, other: Dict, world: World) => Promise<void>) =>
  needs('commit', async world => run(await world.open(), await world.open(), world))

const increment = (dict: Dict, key = 'n') =>
  dict.transact(tx => {
    const next = ((tx.get(key) ?? 0) as number) + 1
    tx.set(key, next)
    return next
  })

/** Holds callers until that many have arrived. Later callers pass immediately. */
function barrier(count: number): () => Promise<void> {
  let [come, open] = [0, () => {}]
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return () => {
    come += 1
    if (come >= count) open()
    return opened
  }
}

const isolation: Record<string, ReturnType<typeof needs>> = {
  'concurrent increments are all counted': committing(async (dict, other, world) => {
    const dicts = [dict, other, await world.open()]
    const given = await Promise.all(dicts.flatMap(one => range(5).map(() => increment(one))))
    assert.deepEqual(
      given.sort((left, right) => left - right),
      range(15).map(n => n + 1),
    )
    await dict.sync()
    assert.equal(dict.local.get('n'), 15)
  }),

  'a transaction conflicts if a key it read was changed: no write skew': committing(async (dict, other) => {
    await dict.update({ alice: 'on call', bob: 'on call' })
    await other.sync()
    const bothHaveRead = barrier(2)
    const leave = (one: Dict, name: string) =>
      one.transact(async tx => {
        const onCall = [tx.get('alice'), tx.get('bob')].filter(state => state === 'on call').length
        await bothHaveRead()
        if (onCall > 1) tx.set(name, 'off')
        return onCall > 1
      })
    const left = await Promise.all([leave(dict, 'alice'), leave(other, 'bob')])
    assert.equal(left.filter(Boolean).length, 1)
    await dict.sync()
    assert.equal([...dict.local.values()].filter(state => state === 'on call').length, 1)
  }),

  'a transaction conflicts if a key it found missing was inserted: no phantoms': committing(async (dict, other) => {
    const bothHaveRead = barrier(2)
    const join = (one: Dict, name: string) =>
      one.transact(async tx => {
        const free = tx.size() === 0
        await bothHaveRead()
        if (free) tx.set(name, 1)
        return free
      })
    const joined = await Promise.all([join(dict, 'a'), join(other, 'b')])
    assert.equal(joined.filter(Boolean).length, 1)
    await dict.sync()
    assert.equal(dict.local.size, 1)
  }),

  'a transaction conflicts if a key it read was overwritten and restored': committing(async (dict, other) => {
    await dict.set('a', 1)
    let attempts = 0
    await dict.transact(async tx => {
      attempts += 1
      tx.get('a')
      if (attempts === 1) await other.update({ a: 2 }).then(() => other.update({ a: 1 }))
      tx.set('b', 1)
    })
    assert.equal(attempts, 2)
  }),

  'a transaction sees one state, regardless of concurrent writes': committing(async (dict, other) => {
    await dict.update({ a: 1, b: 1 })
    const seen = await dict.transact(async tx => {
      const a = tx.get('a')
      await other.update({ a: 2, b: 2 })
      await dict.sync()
      return [a, tx.get('a'), tx.get('b'), new Map(tx.entries()).get('b')]
    })
    assert.deepEqual(seen, [1, 1, 1, 1])
  }),

  'a retry begins at an up-to-date state': committing(async (dict, other) => {
    await other.set('n', 5)
    assert.equal(await increment(dict), 6)
  }),

  'a transaction rejects with ConflictError after its retries and writes nothing': committing(async (dict, other) => {
    for (const retries of [0, 2]) {
      let attempts = 0
      const fight = dict.transact(
        async tx => {
          attempts += 1
          tx.get('a')
          await other.set('a', attempts)
          tx.update({ a: 'mine', b: 'mine' })
        },
        { retries },
      )
      const error = await rejects(fight, ConflictError)
      assert.equal(error.dictionary, dict.name)
      assert.equal(attempts, retries + 1)
    }
    await dict.sync()
    assert.deepEqual(new Map(dict.local), new Map([['a', 3]]))
  }),

  'a transaction never overwrites a key that was written since it began': committing(async (dict, other) => {
    const seen: unknown[] = []
    await dict.transact(async tx => {
      seen.push(dict.local.get('a'))
      if (seen.length === 1) await other.set('a', 'theirs')
      tx.set('a', 'mine')
    })
    assert.deepEqual(seen, [undefined, 'theirs'])
    assert.equal(await dict.get('a'), 'mine')
  }),

  'a transaction keeps concurrent writes to other keys': committing(async (dict, other) => {
    await dict.transact(async tx => {
      if (!other.local.has('b')) await other.set('b', 1)
      tx.set('a', tx.has('a'))
    })
    assert.deepEqual(new Map(dict.local), new Map(Object.entries({ a: false, b: 1 })))
  }),
}

const effects: Record<string, Body | ReturnType<typeof needs>> = {
  'a transaction commits all its writes together and returns what its function returns': committing(
    async (dict, other, world) => {
      await dict.update({ a: 1, b: 2 })
      const watch = other.watch()
      const given = await dict.transact(tx => {
        tx.set('c', 3)
        tx.delete('a')
        return 'given'
      })
      assert.equal(given, 'given')
      assert.deepEqual(new Map(dict.local), new Map(Object.entries({ b: 2, c: 3 })))
      await world.see(other, () => other.local.has('c'))
      assert.equal(other.local.has('a'), false)
      await watch.return?.()
    },
  ),

  'a transaction sees its own writes in every method': committing(async dict => {
    await dict.update({ a: 1, b: 2 })
    await dict.transact(tx => {
      assert.deepEqual([tx.get('a'), tx.has('a'), tx.getOrThrow('b'), tx.size()], [1, true, 2, 2])
      tx.set('c', 3)
      assert.deepEqual([tx.get('c'), tx.size(), tx.keys().sort()], [3, 3, ['a', 'b', 'c']])
      assert.deepEqual([tx.delete('a'), tx.delete('a'), tx.get('a'), tx.has('a')], [true, false, undefined, false])
      assert.throws(() => tx.getOrThrow('a'), KeyError)
      assert.deepEqual([tx.pop('b'), tx.pop('b', 0)], [2, 0])
      assert.throws(() => tx.pop('b'), KeyError)
      assert.deepEqual([tx.setDefault('c', 4), tx.setDefault('d', 4)], [3, 4])
      assert.deepEqual(new Map(tx.entries()), new Map(tx))
      tx.clear()
      assert.deepEqual([tx.size(), tx.get('c'), tx.values()], [0, undefined, []])
      tx.update({ e: 5, f: 6 })
    })
    assert.deepEqual(new Map(dict.local), new Map(Object.entries({ e: 5, f: 6 })))
  }),

  'a transaction rejects with the error of its function and writes nothing': committing(async dict => {
    const { version } = dict
    const thrown = new Error('changed my mind')
    const failing = [
      dict.transact(tx => {
        tx.set('a', 1)
        throw thrown
      }),
      dict.transact(async tx => {
        tx.set('a', 1)
        await null
        throw thrown
      }),
    ]
    for (const error of await Promise.all(failing.map(failure))) assert.equal(error, thrown)
    await rejectsMisuse(dict.transact(tx => tx.update({ a: 1, b: undefined })))
    await rejects(
      dict.transact(tx => tx.update({ a: 1, b: () => {} })),
      EncodingError,
      'b',
    )
    await dict.sync()
    assert.ok(Object.is(dict.version, version))
    assert.equal(dict.local.size, 0)
  }),

  'a transaction without writes does not change the version': committing(async dict => {
    await dict.set('a', 1)
    const { version } = dict
    assert.equal(await dict.transact(tx => tx.get('a')), 1)
    await dict.transact(tx => tx.delete('missing'))
    await dict.transact(tx => tx.setDefault('a', 2))
    await dict.sync()
    assert.ok(Object.is(dict.version, version))
  }),

  'using a transaction after its function has ended is a TypeError': committing(async dict => {
    let leaked: { get(key: string): unknown; set(key: string, value: unknown): void } | undefined
    await dict.transact(tx => {
      leaked = tx
    })
    assert.throws(() => leaked?.get('a'), TypeError)
    assert.throws(() => leaked?.set('a', 1), TypeError)
    assert.equal(await dict.size(), 0)
  }),

  'a nested transaction commits on its own': committing(async dict => {
    await dict.transact(async tx => {
      tx.set('outer', 1)
      await increment(dict, 'inner')
    })
    assert.deepEqual(new Map(dict.local), new Map(Object.entries({ outer: 1, inner: 1 })))
  }),

  'misuse is a TypeError': committing(async dict => {
    await rejectsMisuse(dict.transact(undefined as never))
    await rejectsMisuse(dict.transact(() => {}, { retries: -1 }))
    await rejectsMisuse(dict.transact(() => {}, { retries: 0.5 }))
    await rejectsMisuse(dict.transact(() => {}, { tries: 1 } as never))
  }),

  'transact() rejects with UnsupportedError without commit() and does not call its function': lacks(
    'commit',
    async world => {
      const dict = await world.open()
      const error = await rejects(
        dict.transact(() => assert.fail('called')),
        UnsupportedError,
      )
      assert.match(error.message, /commit/)
    },
  ),
}

export const transactions: Topic = { title: 'transact()', modes: everyMode, tests: { ...isolation, ...effects } }
