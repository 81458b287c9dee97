import { expect } from 'vitest'
import type { ModelManager } from '../../../src/backends/model/managers/manager.js'
import { createTables, ModelDict } from '../../../src/index.js'

/** A dictionary on a client with options that the application set. */
export interface Hostile {
  readonly manager: ModelManager
  end?(): unknown
}

const NAME = { name: 'shared' }

/**
 * A dictionary on the hostile client and one on a plain client of the same table are one dictionary, for reads and for
 * writes.
 */
export async function expectOneDictionary({ manager, end }: Hostile, plain: ModelManager): Promise<void> {
  await plain.transaction(session => session.removeAll(), { limit: 5_000 })
  await createTables(manager)
  const other = await ModelDict.open(plain, NAME)
  await other.touch()
  const dict = await ModelDict.open(manager, NAME)
  try {
    for (const value of ['one', null, { n: [1, null] }, '{"looks":"like JSON"}']) {
      await dict.set('a', value)
      expect(await other.get('a')).toEqual(value)
      await other.set('a', [value])
      expect(await dict.get('a')).toEqual([value])
    }
    await dict.update({ b: 1, c: 2 })
    await other.delete('b')
    await dict.transact(async tx => {
      tx.set('c', Number(await tx.get('c')) + 1)
    })
    const entries = { a: ['{"looks":"like JSON"}'], c: 3 }
    expect(Object.fromEntries(await other.entries())).toEqual(entries)
    const loaded = await ModelDict.open(manager, NAME)
    expect(Object.fromEntries(await loaded.entries())).toEqual(entries)
    await loaded.close()
    const instances = await ModelDict.open(manager, { ...NAME, returnInstances: true })
    expect([...(await instances.keys())].sort()).toEqual(['a', 'c'])
    await instances.close()
    await dict.clear()
    expect(await other.size()).toBe(0)
  } finally {
    await Promise.all([dict.close(), other.close()])
    await end?.()
  }
}
