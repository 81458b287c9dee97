import { once } from 'node:events'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import { DurableDict, MemoryStore, StoreUnavailableError } from '../../src/index.js'
import { TIMING_OPTION } from '../../src/replica/presence-timing.js'

const OFTEN = { [TIMING_OPTION]: { ttl: 1_000, renewEvery: 20 } } as object

const warnings: Error[] = []
const note = (warning: Error) => void warnings.push(warning)
process.on('warning', note)

afterEach(() => void warnings.splice(0))

/** Opens a dictionary whose store refuses so many registrations, and may know that this will pass. */
async function open(refusals: number, refuses?: () => boolean) {
  const faulty = new FaultyBackend(Object.assign(new MemoryBackend(new MemoryStore()), refuses && { refuses }))
  let left = refusals
  faulty.intercept('register', (proceed, ...args) => {
    left -= 1
    if (left >= 0) throw new StoreUnavailableError('It was locked.')
    return proceed(...args)
  })
  return { dict: await DurableDict.open(faulty.backend, { live: true, ...OFTEN }), faulty }
}

test('a registration that fails once is repeated without a warning', async () => {
  const { dict } = await open(1)
  await expect.poll(async () => (await dict.replicas()).length).toBe(1)
  await dict.close()
  expect(warnings).toEqual([])
})

test('a registration that keeps failing because the store is not reachable is not warned of', async () => {
  const { dict } = await open(3, () => false)
  await expect.poll(async () => (await dict.replicas()).length).toBe(1)
  await dict.close()
  expect(warnings).toEqual([])
})

test('a registration that keeps failing is warned of once, and everything else works', async () => {
  const warned = once(process, 'warning')
  const { dict, faulty } = await open(Number.POSITIVE_INFINITY)
  const [warning] = await warned
  expect(warning).toMatchObject({ code: 'DURABLEDICT_PRESENCE' })
  expect(warning.message).toContain('It was locked.')
  await dict.set('a', 1)
  expect(await dict.get('a')).toBe(1)
  const attempts = () => faulty.calls.filter(({ method }) => method === 'register').length
  const before = attempts()
  await expect.poll(attempts).toBeGreaterThan(before + 1)
  await dict.close()
  expect(warnings).toHaveLength(1)
})

test('opens and reads although the registration takes longer than the time limit', async () => {
  const faulty = new FaultyBackend(new MemoryBackend(new MemoryStore()))
  faulty.intercept('register', () => new Promise(() => {}))
  const dict = await DurableDict.open(faulty.backend, { timeout: 500 })
  onTestFinished(() => dict.close())
  await dict.set('key', 'value')
  expect(await dict.get('key')).toBe('value')
})
