import assert from 'node:assert/strict'
import type { Change, Listener } from '../../contract/backend.js'
import { take } from '../dictionary/watching.js'
import type { FaultyBackend } from '../faulty-backend.js'
import { range, turn } from '../samples.js'
import { type Case, liveModes, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

/** Creates a listener between the store and the dictionary. */
type Between = (dictionary: Listener<unknown>) => Listener<unknown>

/** A live dictionary whose pushes pass through `between`, and another one that writes. */
async function pushed(world: World, between: Between): Promise<{ tap: FaultyBackend; dict: Dict; other: Dict }> {
  const tap = await world.tap()
  tap.intercept('subscribe', (proceed, listener) => proceed(between(listener as Listener<unknown>)))
  // If it can be set: gaps are then noticed sooner than after the default of one second.
  const bound = world.supports('registerMaxStaleness') ? { maxStaleness: world.patience / 20 } : {}
  return { tap, dict: await world.openOn(tap, bound), other: await world.open({ live: false }) }
}

/** Passes pushes on through `alter`, which gets a function that passes a change on and the change. */
function altering(alter: (pass: (change?: Change<unknown>) => void, change?: Change<unknown>) => void): Between {
  return dictionary => ({
    changed: change => alter(one => dictionary.changed(one), change),
    interrupted: cause => dictionary.interrupted(cause),
  })
}

/** Despite the fault, memory reaches the last state, and a watcher sees each step once and in order. */
const survives = (between: () => Between): Case =>
  needs('subscribe', async world => {
    const { dict, other } = await pushed(world, between())
    const watch = dict.watch({ key: 'n' })
    for (const n of range(12)) {
      await other.set('n', n)
      if (n % 4 === 1) await other.update({ a: n, b: n })
    }
    await world.until(dict, () => dict.local.get('n') === 11)
    assert.equal(dict.local.get('a'), 9)
    assert.equal(dict.local.get('b'), 9)
    let last: unknown
    while (last !== 11) {
      const [change] = await take(world, watch, 1)
      assert.equal(change?.previous, last, 'changes must be chained')
      last = change?.value
    }
    await dict.set('n', 'end')
    const [end] = await take(world, watch, 1)
    assert.deepEqual([end?.previous, end?.value], [11, 'end'], 'changes must not be repeated')
  })

function reordered(): Between {
  let kept: Change<unknown> | undefined
  return altering((pass, change) => {
    if (kept) {
      pass(change)
      pass(kept)
      kept = undefined
    } else kept = change
  })
}

function delayed(): Between {
  const waiting: (Change<unknown> | undefined)[] = []
  return altering((pass, change) => {
    if (waiting.push(change) > 3) for (const one of waiting.splice(0)) setTimeout(() => pass(one), 5)
  })
}

function someLost(): Between {
  let count = 0
  return altering((pass, change) => {
    count += 1
    if (count % 3 !== 0) pass(change)
  })
}

const notOfTheChain = (pass: (change?: Change<unknown>) => void, change?: Change<unknown>) => {
  pass({ previous: 'nowhere', version: 'elsewhere', effects: [{ type: 'set', key: 'n', stored: 'never' }] })
  pass(change)
}

export const faultyPushes: Topic = {
  title: 'faults of pushes',
  modes: liveModes,
  tests: {
    'memory follows if all pushes are lost': survives(() => altering(() => {})),
    'memory follows if some pushes are lost': survives(someLost),
    'memory follows if each push is repeated': survives(() =>
      altering((pass, change) => {
        pass(change)
        pass(change)
      }),
    ),
    'memory follows if pushes arrive in the wrong order': survives(reordered),
    'memory follows if pushes arrive late and many at a time': survives(delayed),
    'memory follows if pushes contain no change': survives(() => altering(pass => pass())),
    'memory follows if a pushed change is not part of the chain': survives(() => altering(notOfTheChain)),
    'memory follows if pushes are interrupted repeatedly': survives(() => dictionary => ({
      changed: () => dictionary.interrupted(new Error('unplugged')),
      interrupted: cause => dictionary.interrupted(cause),
    })),

    'pushes after close() are ignored': needs('subscribe', async world => {
      let listener: Listener<unknown> | undefined
      const { dict, tap, other } = await pushed(world, dictionary => {
        listener = dictionary
        return dictionary
      })
      await dict.close()
      await other.set('a', 1)
      listener?.changed()
      listener?.interrupted(new Error('unplugged'))
      await turn()
      assert.equal(dict.local.size, 0)
      assert.equal(tap.calls.at(-1)?.method, 'close')
    }),
  },
}

export const staleness: Topic = {
  title: 'stale and fresh',
  modes: liveModes,
  waits: true,
  tests: {
    'stale is emitted with its cause when memory cannot be confirmed, and fresh when it can again': async world => {
      const { tap, dict, other } = await pushed(world, dictionary => dictionary)
      const events: string[] = []
      const cause = new Error('unplugged')
      const stale = new Promise<{ staleness: number; cause: unknown }>(resolve => dict.on('stale', resolve))
      const fresh = new Promise<{ staleness: number }>(resolve => dict.on('fresh', resolve))
      dict.on('stale', () => events.push('stale'))
      dict.on('fresh', () => events.push('fresh'))
      tap.failBefore(world.path.check, cause)
      const event = await world.within(stale, 'stale must be emitted')
      assert.ok(event.staleness > 0)
      assert.equal((event.cause as Error | undefined)?.cause, cause)
      await other.set('a', 1)
      tap.heal()
      await world.within(fresh, 'fresh must be emitted')
      await world.until(dict, () => dict.local.get('a') === 1)
      assert.deepEqual(events, ['stale', 'fresh'])
    },

    'stale is emitted when the store hangs': async world => {
      const { tap, dict } = await pushed(world, dictionary => dictionary)
      const stale = new Promise<void>(resolve => dict.on('stale', () => resolve()))
      tap.hang(world.path.check)
      await world.within(stale, 'stale must be emitted')
    },
  },
}
