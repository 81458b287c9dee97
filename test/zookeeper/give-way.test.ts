import { expect, test } from 'vitest'
import { GiveWay } from '../../src/backends/zookeeper/give-way.js'
import { delay, now } from '../../src/time/clock.js'

/** The time limit of a write, in ms: longer than a slow commit. */
const TIMEOUT = 120_000

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
  expect(await commits(new GiveWay(TIMEOUT), 17, true)).toEqual([4, 8, 12, 16])
})

test('a process gives way ever more rarely as long as nobody else writes, but not more rarely than after 64 commits', async () => {
  const waits = await commits(new GiveWay(TIMEOUT), 253, false)
  expect(waits).toEqual([4, 12, 28, 60, 124, 188, 252])
})

test('a process gives way again after every fourth commit once another one has written', async () => {
  const giveWay = new GiveWay(TIMEOUT)
  await commits(giveWay, 61, false)
  giveWay.after('other', now())
  expect(await commits(giveWay, 6, false)).toEqual([4])
})

/** 20 processes give way after commits that took this long, in ms. Returns, for each that continues in time, whether it gave way. */
async function continued(took: number, timeout: number, within: number): Promise<boolean[]> {
  const ended: boolean[] = []
  for (let count = 0; count < 20; count += 1) {
    const giveWay = new GiveWay(timeout)
    for (let commit = 0; commit < 4; commit += 1) giveWay.after('same', now() - took)
    void giveWay.before('same', new AbortController().signal).then(hasWaited => ended.push(hasWaited))
  }
  // Timers end in the order of their times, however busy the machine is.
  await delay(within)
  return ended
}

test('a process never gives way for longer than 150 ms', async () => {
  const ended = await continued(60, 10_000, 155)
  expect(ended).toHaveLength(20)
  expect(ended).toContain(true)
})

test('a process gives way for no more than a quarter of what a slow commit leaves of the time limit', async () => {
  const ended = await continued(60, 260, 55)
  expect(ended).toHaveLength(20)
  expect(ended).toContain(true)
})

test('a process whose commits take as long as the time limit does not give way', async () => {
  expect(await continued(60, 60, 0)).toEqual(Array.from({ length: 20 }, () => false))
})
