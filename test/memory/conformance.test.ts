import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { conformance } from '../../src/conformance/index.js'
import { MemoryStore } from '../../src/index.js'
import { runner } from '../conformance/runner.js'

conformance(runner, {
  name: 'MemoryBackend',
  create() {
    const store = new MemoryStore()
    return { backend: () => new MemoryBackend(store), dispose() {} }
  },
})
