import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type { Subject } from '../../src/conformance/index.js'
import { MemoryStore } from '../../src/index.js'
import { BROKEN } from './broken-backends.js'
import { type Report, report } from './collecting-runner.js'

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
  const { passed, failed, skipped } = await report(subject(MemoryBackend, 1))
  expect(failed).toEqual([])
  expect(skipped).toEqual([])
  expect(passed).toBeGreaterThan(200)
})

describe('the suite detects that', { timeout: 60_000 }, () => {
  // Waits are short, since many tests of a broken backend end by their time limits.
  const reports = new Map<unknown, Promise<Report>>()

  test.each(BROKEN)('%s', async (_, Backend, found) => {
    const running = reports.get(Backend) ?? report(subject(Backend, 0.1))
    reports.set(Backend, running)
    const { failed } = await running
    expect(failed).toContainEqual(expect.stringMatching(found))
  })
})
