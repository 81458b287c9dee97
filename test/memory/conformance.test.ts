import { describe, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { conformance } from '../../src/conformance/index.js'
import { MemoryStore } from '../../src/index.js'

conformance(
  { describe, test },
  {
    name: 'MemoryBackend',
    create() {
      const store = new MemoryStore()
      return { backend: () => new MemoryBackend(store), dispose() {} }
    },
  },
)
