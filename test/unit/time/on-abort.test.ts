import { getEventListeners } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { MemoryDict, MemoryStore } from '../../../src/index.js'
import { onAbort } from '../../../src/time/on-abort.js'

const warnings: Error[] = []
const listener = (warning: Error) => void warnings.push(warning)
process.on('warning', listener)
afterEach(() => {
  warnings.length = 0
})

async function noWarning(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  expect(warnings).toEqual([])
}

test('any number of listeners add one to the signal, and none once they are removed', () => {
  const { signal } = new AbortController()
  const removes = Array.from({ length: 50 }, () => onAbort(signal, () => {}))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  for (const remove of removes) remove()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('aborting calls each remaining listener once, in order', () => {
  const controller = new AbortController()
  const called: string[] = []
  onAbort(controller.signal, () => called.push('first'))
  onAbort(controller.signal, () => called.push('removed'))()
  onAbort(controller.signal, () => called.push('last'))
  controller.abort()
  controller.abort()
  expect(called).toEqual(['first', 'last'])
})

test('a signal shared by dictionaries, watchers and waiting calls causes no warning and ends all of them', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const dicts = await Promise.all(
    Array.from({ length: 20 }, () => MemoryDict.open(new MemoryStore(), { signal, live: true })),
  )
  const watchers = dicts.flatMap(dict => [dict.watch({ signal }), dict.watch({ signal })])
  const waiting = watchers.map(watcher => watcher.next())
  await noWarning()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  const closed = dicts.map(dict => new Promise(resolve => dict.on('close', () => resolve(true))))
  controller.abort()
  expect((await Promise.all(waiting)).every(({ done }) => done)).toBe(true)
  await Promise.all(closed)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('many waiting calls of one dictionary cause no warning', async () => {
  const store = new MemoryStore()
  const dict = await MemoryDict.open(store, { maxStaleness: 5 })
  const everywhere = Array.from({ length: 30 }, (_, n) => dict.set(`k${n}`, n, { everywhere: true }))
  const transactions = Array.from({ length: 30 }, () =>
    dict.transact(async tx => {
      const n = (tx.get('n') as number | undefined) ?? 0
      await null
      tx.set('n', n + 1)
    }),
  )
  await Promise.all([...everywhere, ...transactions])
  await noWarning()
  await dict.close()
})
