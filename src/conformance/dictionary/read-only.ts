import assert from 'node:assert/strict'
import { UnsupportedError } from '../../errors/errors.js'
import { rejects } from '../expect.js'
import type { Method } from '../faulty-backend.js'
import { everyMode, needs, type Topic } from '../suite.js'
import type { Dict } from '../world.js'

const WRITING: readonly Method[] = ['persist', 'depersist', 'pop', 'setDefault', 'commit', 'registerMaxStaleness']

const WRITES: Readonly<Record<string, (dict: Dict) => Promise<unknown>>> = {
  set: dict => dict.set('a', 2),
  delete: dict => dict.delete('a'),
  clear: dict => dict.clear(),
  update: dict => dict.update({ a: 2 }),
  pop: dict => dict.pop('a', undefined),
  setDefault: dict => dict.setDefault('b', 2),
  transact: dict => dict.transact(tx => tx.set('a', 2)),
  reencode: dict => dict.reencode(),
}

/** Its stored forms cannot be decoded by any other encoding. */
const OLD = {
  name: 'old',
  encode: (value: unknown) => `old ${JSON.stringify(value)}`,
  decode: (stored: string): unknown => JSON.parse(/^old (.*)$/s.exec(stored)?.[1] ?? 'It is not old.'),
}

export const readOnly: Topic = {
  title: 'readOnly',
  modes: everyMode,
  tests: {
    'restrictToReads() is called before any other method, and no writing method is called': async world => {
      const writer = await world.open()
      await writer.set('a', 1)
      const tap = await world.tap()
      const dict = await world.openOn(tap, { readOnly: true })
      assert.equal(tap.calls[0]?.method, 'restrictToReads')
      await dict.sync()
      await dict.get('a')
      assert.equal(tap.count('restrictToReads'), 1)
      assert.equal(tap.count(...WRITING), 0)
    },

    'a dictionary without readOnly does not call restrictToReads()': async world => {
      const tap = await world.tap()
      await world.openOn(tap, { readOnly: false })
      assert.equal(tap.count('restrictToReads'), 0)
    },

    'a read-only dictionary reads what others write': async world => {
      const writer = await world.open()
      await writer.set('a', 1)
      const dict = await world.open({ readOnly: true, defaults: { b: 2 } })
      assert.deepEqual([await dict.get('a'), await dict.get('b'), await dict.size()], [1, 2, 1])
      await writer.update({ a: 3, c: 4 })
      await world.see(dict, () => dict.local.get('a') === 3 && dict.local.get('c') === 4)
      assert.equal((await dict.snapshot()).get('c'), 4)
    },

    'every write rejects with UnsupportedError and has no effect': async world => {
      const writer = await world.open()
      await writer.set('a', 1)
      const tap = await world.tap()
      const dict = await world.openOn(tap, { readOnly: true })
      tap.hang([...world.path.check, ...world.path.load])
      for (const [name, write] of Object.entries(WRITES)) {
        const error = await world.within(rejects(write(dict), UnsupportedError), `${name}() must reject at once`)
        assert.match(error.message, /readOnly/)
      }
      tap.heal()
      assert.equal(tap.count(...WRITING), 0)
      await writer.sync()
      assert.deepEqual(Object.fromEntries(writer.local), { a: 1 })
    },

    'values of the old encoding are readable and not rewritten': async world => {
      const old = await world.open({ encoding: OLD })
      await old.set('a', { b: 1 })
      const tap = await world.tap()
      const dict = await world.openOn(tap, { readOnly: true, oldEncoding: OLD })
      assert.deepEqual(await dict.get('a'), { b: 1 })
      await dict.sync()
      assert.equal(tap.count(...WRITING), 0)
    },

    'maxStaleness is refused because its bound would have to be recorded': needs(
      'registerMaxStaleness',
      async world => {
        const tap = await world.tap()
        const error = await rejects(world.openOn(tap, { readOnly: true, maxStaleness: 100 }), UnsupportedError)
        assert.match(error.message, /maxStaleness/)
        assert.equal(tap.count(...WRITING), 0)
        assert.equal(tap.count('close'), 1)
      },
    ),
  },
}
