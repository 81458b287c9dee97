import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { FaultyBackend, Method } from '../faulty-backend.js'
import { everyMode, needs, type Topic } from '../suite.js'
import type { World } from '../world.js'

const METHODS: readonly Method[] = [
  'restrictToReads',
  'persist',
  'depersist',
  'durables',
  'lastUpdated',
  'pop',
  'setDefault',
  'commit',
  'changesSince',
  'load',
  'subscribe',
  'registerMaxStaleness',
  'close',
]

/** Collects the contexts in which the backend is called. */
function contextsOf(tap: FaultyBackend, storage: AsyncLocalStorage<string>): Set<string | undefined> {
  const seen = new Set<string | undefined>()
  tap.intercept(METHODS, (proceed, ...args) => {
    seen.add(storage.getStore())
    return proceed(...args)
  })
  return seen
}

async function openIn(world: World, storage: AsyncLocalStorage<string>, options = {}) {
  const tap = await world.tap()
  const seen = contextsOf(tap, storage)
  const dict = await storage.run('open', () => world.openOn(tap, options))
  return { dict, seen }
}

export const contexts: Topic = {
  title: 'async contexts',
  modes: everyMode,
  tests: {
    'every store call runs in the async context of open(), whichever call causes it': async world => {
      const storage = new AsyncLocalStorage<string>()
      const { dict, seen } = await openIn(world, storage)
      const other = await world.open()
      await storage.run('caller', async () => {
        await Promise.all([dict.set('a', 1), dict.set('b', 2)])
        await dict.update({ c: 3, d: 4 })
        await dict.setDefault('e', 5)
        await dict.pop('e')
        await dict.delete('d')
        await other.set('a', 2)
        await Promise.all([dict.get('a'), dict.sync()])
        await dict.snapshot()
        await dict.clear()
        await dict.close()
      })
      assert.deepEqual([...seen], ['open'])
    },

    'store calls of a transaction run in the context of open(), and its function in the context of its caller': needs(
      'commit',
      async world => {
        const storage = new AsyncLocalStorage<string>()
        const { dict, seen } = await openIn(world, storage)
        const inside = await storage.run('caller', () =>
          dict.transact(tx => {
            tx.set('a', 1)
            return storage.getStore()
          }),
        )
        assert.equal(inside, 'caller')
        assert.deepEqual([...seen], ['open'])
      },
    ),

    'store calls that record a bound run in the context of open()': needs('registerMaxStaleness', async world => {
      const storage = new AsyncLocalStorage<string>()
      const { dict, seen } = await openIn(world, storage, { maxStaleness: 1 })
      await storage.run('caller', () => dict.set('a', 1, { everywhere: true }))
      await storage.run('caller', () => dict.get('a'))
      assert.deepEqual([...seen], ['open'])
    }),

    'the caller continues in its own context': async world => {
      const storage = new AsyncLocalStorage<string>()
      const { dict } = await openIn(world, storage)
      await Promise.all(
        ['one', 'two', 'three'].map(name =>
          storage.run(name, async () => {
            await dict.set(name, 1)
            assert.equal(storage.getStore(), name)
            await dict.get(name)
            assert.equal(storage.getStore(), name)
          }),
        ),
      )
    },

    'listeners run in the context of open(), whichever call causes the event': async world => {
      const storage = new AsyncLocalStorage<string>()
      const { dict } = await openIn(world, storage)
      const heard: (string | undefined)[] = []
      for (const event of ['change', 'sync', 'close'] as const) dict.on(event, () => heard.push(storage.getStore()))
      await storage.run('caller', async () => {
        await dict.set('a', 1)
        await dict.close()
      })
      assert.deepEqual(heard, ['open', 'open', 'open'])
    },

    'a consumer of watch() continues in its own context': async world => {
      const storage = new AsyncLocalStorage<string>()
      const { dict } = await openIn(world, storage)
      const changes = dict.watch()
      const consuming = storage.run('consumer', async () => {
        await changes.next()
        return storage.getStore()
      })
      await storage.run('caller', () => dict.set('a', 1))
      assert.equal(await consuming, 'consumer')
    },
  },
}
