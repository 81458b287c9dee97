import { afterAll, beforeAll, describe } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { conformance, type Mode } from '../../src/conformance/index.js'
import { runner } from '../conformance/runner.js'
import type { Opened } from './clients.js'

let stores = 0

/** The mode in which clients differ: all calls, and messages. */
export const TELLING_MODES: readonly Mode[] = [{ live: true }]

/** Runs the conformance suite through one client. Each test has its own dictionary on the same server. */
export function conform(name: string, open: () => Promise<Opened>, modes?: readonly Mode[]): void {
  describe(name, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened.end())
    const create = () => {
      stores += 1
      const store = `{store} ${process.pid} ${stores}`
      return { backend: () => new RedisBackend(opened.client, store), dispose() {} }
    }
    const missing = { bytes: 'values are text, so that the hash can be read by anyone' }
    const subject = { name: 'RedisBackend', create, missing }
    conformance(runner, { ...subject, ...(modes && { modes }) })
  })
}
