import assert from 'node:assert/strict'
import type { Backend } from '../../contract/backend.js'
import { range } from '../samples.js'
import type { Topic } from '../suite.js'
import { commit, set } from './commit.js'
import { group, keysOf, one, page } from './history.js'

const keepAtMost = (keep: number) => ({ keep, days: 90 })

/** Commits that many groups, each with a key of its own. */
async function writeKeys(backend: Backend<unknown>, prefix: string, count: number): Promise<void> {
  for (const number of range(count)) await commit(backend, group([set(`${prefix} ${number}`, 'x')]))
}

/** Read by the last writer: it may drop commits after its write, but before its next page. */
async function countOf(writer: Backend<unknown>): Promise<number> {
  return (await page(writer)).commits.length
}

export const historyPolicies: Topic = {
  title: 'history policies of two backends',
  tests: {
    'the policy that was recorded last holds for both': one(async (backend, other) => {
      await backend.setHistoryPolicy?.(keepAtMost(9))
      await writeKeys(backend, 'first', 1)
      await other.setHistoryPolicy?.(keepAtMost(3))
      await writeKeys(backend, 'second', 6)
      assert.equal(await countOf(backend), 3)
      await backend.setHistoryPolicy?.(keepAtMost(5))
      await writeKeys(other, 'third', 8)
      assert.equal(await countOf(other), 5)
    }),

    'of policies that are recorded at once, one holds for both, and no commit is lost': one(async (backend, other) => {
      for (const round of range(3)) {
        await Promise.all([
          backend.setHistoryPolicy?.(keepAtMost(4)),
          other.setHistoryPolicy?.(keepAtMost(6)),
          writeKeys(backend, `left ${round}`, 2),
          writeKeys(other, `right ${round}`, 2),
        ])
      }
      await Promise.all([backend, other].map(countOf))
      await writeKeys(backend, 'mine', 4)
      const count = await countOf(backend)
      await writeKeys(other, 'yours', 4)
      const { commits, floor } = await page(other)
      assert.deepEqual((await page(backend)).commits, commits)
      assert.equal(commits.length, count)
      assert.ok([4, 6].includes(commits.length), `one of the policies must hold: ${commits.length} commits`)
      const expected = ['mine 2', 'mine 3', ...range(4).map(number => `yours ${number}`)].slice(-commits.length)
      assert.deepEqual(commits.flatMap(keysOf).reverse(), expected)
      assert.deepEqual(
        commits.map(({ position }) => position),
        range(commits.length).map(number => floor + commits.length - number),
      )
    }),
  },
}
