import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../src/backends/sqlite/engine.js'
import { libsqlEngine } from '../../src/backends/sqlite/engine-libsql.js'
import { nodeEngine } from '../../src/backends/sqlite/engine-node.js'
import { conformance } from '../../src/conformance/index.js'
import { runner } from '../conformance/runner.js'
import { METHODS_ALONE } from '../form.js'
import { fastFolder } from '../servers/fast-folder.js'
import { backendOf } from './backend.js'

/** If Node lacks an engine, modern-node.test.ts runs this file by a newer Node, for that engine only. */
const engines: Record<string, Engine | undefined> = {
  libsql: process.env.NODE_SQLITE_ALONE ? undefined : await libsqlEngine(),
  'node:sqlite': nodeEngine(),
}

for (const [name, engine] of Object.entries(engines)) {
  if (!engine) continue
  conformance(runner, {
    name: `SqliteBackend on ${name}`,
    // The dictionary above is the same by each engine.
    modes: name === 'libsql' ? undefined : METHODS_ALONE,
    async create() {
      const folder = await mkdtemp(join(fastFolder(), 'durabledict-sqlite-'))
      return {
        backend: () => backendOf('settings', join(folder, 'app.db'), engine),
        dispose: () => rm(folder, { recursive: true }),
      }
    },
  })
}
