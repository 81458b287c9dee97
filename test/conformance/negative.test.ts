import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type { Subject } from '../../src/conformance/index.js'
import { MemoryStore } from '../../src/index.js'
import { LONG } from '../form.js'
import { BROKEN } from './broken-backends.js'
import { BROKEN_HISTORIES } from './broken-histories.js'
import { BROKEN_REGISTRIES } from './broken-registries.js'
import { report } from './collecting-runner.js'

function subject(Backend: new (store: MemoryStore) => MemoryBackend, timeoutScale: number): Subject {
  return {
    name: 'broken',
    modes: [{ autosync: true }],
    timeoutScale,
    create() {
      const store = new MemoryStore()
      return { backend: () => new Backend(store), dispose() {} }
    },
  }
}

test('no test fails with an intact backend', async () => {
  const { passed, failed, skipped } = await report(subject(MemoryBackend, 2))
  expect(failed).toEqual([])
  expect(skipped).toEqual([])
  expect(passed).toBeGreaterThan(200)
})

describe('the suite detects that', { timeout: 60_000 }, () => {
  // Waits are short, since many tests of a broken backend end by their time limits.
  test.each([...BROKEN, ...BROKEN_HISTORIES, ...BROKEN_REGISTRIES])('%s', async (_, Backend, found) => {
    const { failed } = await report(subject(Backend, 0.1), LONG ? undefined : found)
    expect(failed).toContainEqual(expect.stringMatching(found))
  })
})
