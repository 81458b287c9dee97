import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { conformance } from '../../src/conformance/index.js'
import { backendOf } from './backend.js'

conformance(
  { describe, test },
  {
    name: 'SqliteBackend',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'durabledict-sqlite-'))
      return {
        backend: () => backendOf('settings', join(folder, 'app.db')),
        dispose: () => rm(folder, { recursive: true }),
      }
    },
  },
)
