import { afterAll, beforeAll, describe } from 'vitest'
import { databaseOf } from '../../src/backends/postgres/clients/recognise.js'
import { PostgresBackend } from '../../src/backends/postgres/postgres-backend.js'
import { conformance, type Mode } from '../../src/conformance/index.js'
import type { PostgresConnection } from '../../src/postgres.js'
import { runner } from '../conformance/runner.js'

/** A client, and how to end it. */
export interface Opened {
  readonly client: PostgresConnection
  end(): Promise<unknown>
}

/** The mode in which clients differ: all calls, and notifications. */
export const TELLING_MODES: readonly Mode[] = [{ live: true }]

let dictionaries = 0

/** Runs the conformance suite through one client. Each test has its own dictionary in the same tables. */
export function conform(name: string, open: () => Promise<Opened>, modes?: readonly Mode[]): void {
  describe(name, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.end())
    const create = () => {
      dictionaries += 1
      const options = { name: `"dictionary" ${dictionaries}`, schemaName: 'public', timeout: 5_000, pollEvery: 200 }
      return {
        backend: () => new PostgresBackend({ ...options, client: databaseOf(opened.client) }),
        dispose() {},
      }
    }
    const missing = { bytes: 'values are text and JSON, so that anyone can read them' }
    const subject = { name: 'PostgresBackend', create, missing }
    conformance(runner, { ...subject, ...(modes && { modes }) })
  })
}
