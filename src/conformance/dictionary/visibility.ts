import assert from 'node:assert/strict'
import type { FaultyBackend } from '../faulty-backend.js'
import { range, turn } from '../samples.js'
import { checkedModes, everyMode, lacks, liveModes, memoryModes, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

/** Every way to read one key. */
const WAYS: ((dict: Dict, key: string) => Promise<unknown>)[] = [
  (dict, key) => dict.get(key),
  (dict, key) => dict.getOrThrow(key),
  async (dict, key) => ((await dict.has(key)) ? dict.local.get(key) : undefined),
  async (dict, key) => (await dict.snapshot()).get(key),
  async (dict, key) => new Map(await dict.entries()).get(key),
  async (dict, key) => ((await dict.keys()).includes(key) ? dict.local.get(key) : undefined),
  async (dict, key) => ((await dict.size()) > 0 ? dict.local.get(key) : undefined),
  async (dict, key) => {
    for await (const [one, value] of dict) if (one === key) return value
    return undefined
  },
  async dict => (await dict.values())[0],
]

/** How many checks were sent, without the two version calls of a load on a backend without `load`. */
function checksOf(world: World, tap: FaultyBackend): number {
  const asked = tap.count(...world.path.check)
  return world.supports('load') || world.supports('changesSince') ? asked : asked - 2 * tap.count('durables')
}

export const visibility: Topic = {
  title: 'visibility',
  modes: everyMode,
  tests: {
    'memory contains a write when it resolves': async world => {
      const dict = await world.open()
      for (const n of range(5)) {
        await dict.set('a', n)
        assert.equal(dict.local.get('a'), n)
        assert.equal(await dict.get('a'), n)
      }
      await dict.delete('a')
      assert.equal(dict.local.has('a'), false)
    },

    'memory contains every earlier write when a write resolves': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await other.set('a', 1)
      await dict.set('b', 2)
      assert.equal(dict.local.get('a'), 1)
      await other.delete('a')
      await dict.setDefault('c', 3)
      assert.equal(dict.local.has('a'), false)
    },

    'sync() brings memory up to date with earlier writes': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      for (const n of range(5)) {
        await other.set('a', n)
        await dict.sync()
        assert.equal(dict.local.get('a'), n)
        assert.ok(Object.is(dict.version, other.version))
      }
    },

    'three dictionaries reach the same state': async world => {
      const dicts = await Promise.all(range(3).map(() => world.open()))
      await Promise.all(dicts.flatMap((dict, n) => range(10).map(i => dict.set(`${n} ${i}`, i))))
      await Promise.all(dicts.map(dict => dict.sync()))
      for (const dict of dicts) {
        assert.equal(dict.local.size, 30)
        assert.ok(Object.is(dict.version, dicts[0]?.version))
      }
    },

    'staleness is measured from before the check was sent': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.sync()
      assert.ok(dict.staleness >= 0 && dict.staleness < world.patience)
      const wait = 40
      tap.delayAfter(world.path.check, () => new Promise(resolve => setTimeout(resolve, wait)))
      const before = performance.now()
      await dict.sync()
      const elapsed = performance.now() - before
      assert.ok(dict.staleness >= wait - 2, `${dict.staleness} ms`)
      assert.ok(dict.staleness <= elapsed + 10 * wait + world.patience)
    },
  },
}

export const checkedReads: Topic = {
  title: 'checked reads',
  modes: checkedModes,
  tests: {
    'a read includes every write acknowledged before it began': needs('linearizable', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      for (const [n, read] of [...WAYS, ...WAYS].entries()) {
        await other.set('a', n)
        assert.equal(await read(dict, 'a'), n, String(read))
      }
    }),

    'writes by others become visible in order, and after sync() immediately': lacks('linearizable', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      for (const [n, read] of [...WAYS, ...WAYS].entries()) {
        await other.set('a', n)
        for (let seen: unknown; seen !== n; await turn()) {
          seen = await read(dict, 'a')
          assert.ok(seen === n || seen === n - 1 || (n === 0 && seen === undefined), `${seen} at ${n}`)
        }
        await other.set('b', n)
        await dict.sync()
        assert.equal(await dict.get('b'), n)
      }
    }),

    'own writes, and all writes before them, are visible immediately': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      for (const [n, read] of WAYS.entries()) {
        await dict.set('a', n)
        assert.equal(await read(dict, 'a'), n, String(read))
        await other.set('b', n)
        await dict.delete('b')
        await dict.set('a', n)
        assert.equal(await read(dict, 'a'), n)
        assert.equal(await dict.has('b'), false)
      }
    },

    'a thousand reads of one tick share one check': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      const before = tap.count(...world.path.check)
      const read = await Promise.all(range(1_000).map(n => (n % 2 === 0 ? dict.get('a') : dict.getOrThrow('a'))))
      const checks = tap.count(...world.path.check) - before
      assert.ok(read.every(value => value === 1))
      // A live dictionary also checks on its own.
      assert.ok(world.mode.live ? checks >= 1 && checks <= 3 : checks === 1, `${checks} checks`)
    },

    'a read that begins during a check does not rely on that check': needs('linearizable', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      await other.set('a', 1)
      await dict.sync()
      let release = () => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      const asked = tap.called(world.path.check[0] ?? 'lastUpdated')
      tap.delayAfter(world.path.check, () => released)
      const early = dict.get('a')
      await asked
      await other.set('a', 2)
      const late = range(20).map(() => dict.get('a'))
      const before = checksOf(world, tap)
      release()
      assert.ok([1, 2].includes((await early) as number))
      for (const read of late) assert.equal(await read, 2)
      const checks = checksOf(world, tap) - before
      assert.ok(world.mode.live ? checks <= 3 : checks === 1, `all of them share the next check; there were ${checks}`)
    }),
  },
}

export const memoryReads: Topic = {
  title: 'reads from memory',
  modes: memoryModes,
  tests: {
    'reads from memory never call the store': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      tap.hang([...world.path.check, ...world.path.load])
      for (const read of WAYS) assert.equal(await read(dict, 'a'), 1)
      const before = tap.calls.length
      await Promise.all(range(100).map(() => dict.get('a')))
      if (!world.mode.live) assert.equal(tap.calls.length, before)
    },

    'writes by others become visible by sync() or a push only': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await other.set('a', 1)
      if (!world.mode.live) assert.equal(await dict.get('a'), undefined)
      await dict.sync()
      assert.equal(await dict.get('a'), 1)
    },
  },
}

export const liveMemory: Topic = {
  title: 'live memory',
  modes: liveModes,
  tests: {
    'live memory follows the writes of others without a read': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      for (const n of range(5)) {
        await other.set('a', n)
        await world.until(dict, () => dict.local.get('a') === n)
      }
      await other.delete('a')
      await world.until(dict, () => !dict.local.has('a'))
      await other.update({ b: 1, c: 2 })
      await world.until(dict, () => dict.local.size === 2)
    },

    'live memory never goes backwards': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      const seen: number[] = []
      dict.on('sync', () => seen.push((dict.local.get('a') ?? -1) as number))
      for (const n of range(30)) await other.set('a', n)
      await world.until(dict, () => dict.local.get('a') === 29)
      assert.deepEqual(
        seen,
        [...seen].sort((left, right) => left - right),
      )
    },

    'live memory is confirmed even if nothing changes': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.sync()
      await world.within(tap.called(world.path.check[0] ?? 'lastUpdated'), 'a live dictionary must check on its own')
    },

    'a pushed change costs no store call': needs(['subscribe', 'changesSince'], async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      let pushed = 0
      await dict.sync()
      dict.on('sync', event => {
        assert.equal(event.reason, 'changes')
        pushed += 1
      })
      const before = tap.count(...world.path.load)
      for (const n of range(3)) await other.set('a', n)
      await world.until(dict, () => dict.local.get('a') === 2)
      assert.ok(pushed >= 1)
      assert.equal(tap.count(...world.path.load), before)
    }),
  },
}
