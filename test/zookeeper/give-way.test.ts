import { expect, test } from 'vitest'
import { GiveWay } from '../../src/backends/zookeeper/give-way.js'
import { now } from '../../src/time/clock.js'

/** Commits that follow each other, each of which took long. Returns before which of them it gave way; each time, others write if `busy`. */
async function commits(giveWay: GiveWay, count: number, busy: boolean): Promise<number[]> {
  const waits: number[] = []
  for (let index = 0; index < count; index += 1) {
    const end = new AbortController()
    const waiting = giveWay.before('same', end.signal)
    if (busy) giveWay.reported()
    else end.abort()
    if (await waiting) waits.push(index)
    giveWay.after('same', now() - 60_000)
  }
  return waits
}

test('a process that writes without pause gives way after every fourth commit as long as others write', async () => {
  expect(await commits(new GiveWay(), 17, true)).toEqual([4, 8, 12, 16])
})

test('a process gives way ever more rarely as long as nobody else writes, but not more rarely than after 64 commits', async () => {
  const waits = await commits(new GiveWay(), 253, false)
  expect(waits).toEqual([4, 12, 28, 60, 124, 188, 252])
})

test('a process gives way again after every fourth commit once another one has written', async () => {
  const giveWay = new GiveWay()
  await commits(giveWay, 61, false)
  giveWay.after('other', now())
  expect(await commits(giveWay, 6, false)).toEqual([4])
})
