import { expect } from 'vitest'
import type { DurableDict } from '../src/index.js'

const HOUR = 3_600_000

/** How often a store looks at the age of its commits, in commits. */
const AGE_CHECK = 64

/**
 * Checks what a new dictionary answers after the clock of its store has jumped, both ways.
 *
 * @param setTime - changes the stored time of the commit at this position, in ms since 1970.
 */
export async function checkClockJump(
  dict: DurableDict,
  setTime: (position: number, at: number) => Promise<unknown>,
): Promise<void> {
  for (const value of [1, 2, 3, 4]) await dict.set('a', value)
  const now = Date.now()
  const times = [now + HOUR, now + 2 * HOUR, now - HOUR, now]
  for (const [index, at] of times.entries()) await setTime(index + 1, at)
  await expectOrder(dict, times)
  await expectPast(dict, now)
  for (const position of [1, 3]) await setTime(position, now - 91 * 24 * HOUR)
  await expectOnlyFirstDropped(dict)
}

/** The order is that of the commits, and the times are shown as they are. */
async function expectOrder(dict: DurableDict, times: readonly number[]): Promise<void> {
  const commits = await dict.history().toArray()
  expect(commits.map(({ changes }) => changes[0]?.after)).toEqual([4, 3, 2, 1])
  expect(commits.map(({ at }) => at.getTime())).toEqual(times.toReversed())
}

/** An id names a state. A date names the state after the newest commit that is not younger. */
async function expectPast(dict: DurableDict, now: number): Promise<void> {
  const [, , second] = await dict.history().toArray()
  expect((await dict.at(second?.id as string)).get('a')).toBe(2)
  for (const [time, value] of [
    [now + 3 * HOUR, 4],
    [now, 4],
    [now - 1, 3],
    [now - 2 * HOUR, undefined],
  ] as const) {
    expect((await dict.at(new Date(time))).get('a')).toBe(value)
  }
}

/** An old commit is dropped for its age. One that follows a young commit is not, and neither is that one. */
async function expectOnlyFirstDropped(dict: DurableDict): Promise<void> {
  for (let n = 0; n < AGE_CHECK; n += 1) await dict.set('b', n)
  const kept = await dict.history({ key: 'a' }).toArray()
  expect(kept.map(({ changes }) => changes[0]?.after)).toEqual([4, 3, 2])
  expect((await dict.history().toArray()).length).toBe(3 + AGE_CHECK)
}
