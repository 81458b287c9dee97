import { expect, test } from 'vitest'
import type { Supports, Version } from '../../../src/contract/backend.js'
import { GatedBackend, settle } from './gated-backend.js'
import { contentOf, openReplica, writeBehind } from './helpers.js'

/** More changes than a store in memory remembers. */
const MANY = 1_100

/** Reports changes when the test says so. */
class TellingBackend extends GatedBackend {
  override supports: Supports = { history: false, linearizable: false }
  currentSince: number | undefined
  looks: Version[] = []

  currentAsOf(version: Version): number | undefined {
    this.looks.push(version)
    return this.currentSince
  }
}

test('a state known to be current costs no check and counts as confirmed', async () => {
  const backend = new TellingBackend()
  const replica = await openReplica(backend)
  backend.currentSince = performance.now()
  expect(replica.checkUnlessKnown()).toBeUndefined()
  expect(backend.looks).toEqual([replica.memory.version])
  expect(backend.count('changesSince')).toBe(0)
  expect(replica.confirmedAt).toBe(backend.currentSince)
  const { confirmedAt } = replica
  backend.currentSince -= 100
  expect(replica.checkUnlessKnown()).toBeUndefined()
  expect(replica.confirmedAt).toBe(confirmedAt)
})

test('overlapping reads of an unknown state share one check', async () => {
  const backend = new TellingBackend()
  const replica = await openReplica(backend)
  writeBehind(backend, 'a', '1')
  await Promise.all(Array.from({ length: 100 }, () => replica.checkUnlessKnown()))
  expect(contentOf(replica)).toEqual({ a: '1' })
  expect(backend.count('changesSince')).toBe(1)
})

test('a linearizable store is always checked, and sync() always checks', async () => {
  const backend = new TellingBackend()
  backend.currentSince = performance.now()
  const replica = await openReplica(backend)
  writeBehind(backend, 'a', '1')
  await replica.sync()
  expect(contentOf(replica)).toEqual({ a: '1' })
  backend.supports = {}
  const exact = await openReplica(backend)
  writeBehind(backend, 'a', '2')
  await exact.checkUnlessKnown()
  expect(contentOf(exact)).toEqual({ a: '2' })
  expect(backend.looks).toEqual([])
})

test('a bound on which writers rely always causes a check', async () => {
  const backend = new TellingBackend()
  backend.currentSince = performance.now()
  const replica = await openReplica(backend)
  await replica.registerMaxStaleness(50)
  writeBehind(backend, 'a', '1')
  await replica.checkUnlessKnown()
  expect(contentOf(replica)).toEqual({ a: '1' })
})

test('a refused answer during a full load confirms nothing', async () => {
  const backend = new TellingBackend()
  const replica = await openReplica(backend)
  backend.gate('load')
  // More than the log of a store in memory keeps.
  for (let n = 0; n < MANY; n += 1) writeBehind(backend, 'a', String(n))
  const check = replica.check()
  const held = await backend.held('load')
  backend.currentSince = performance.now()
  expect(replica.checkUnlessKnown()).toBeInstanceOf(Promise)
  held.release()
  await check
  await settle()
  expect(replica.checkUnlessKnown()).toBeUndefined()
})

test('a loop of reads lets the event loop run', async () => {
  const backend = new TellingBackend()
  backend.currentSince = performance.now()
  const replica = await openReplica(backend)
  let turned = false
  setImmediate(() => {
    turned = true
  })
  for (let reads = 0; !turned && reads < 1_000; reads += 1) await replica.checkUnlessKnown()
  expect(turned).toBe(true)
})
