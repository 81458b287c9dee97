import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { type Capability, conformance } from '../../src/conformance/index.js'
import { MemoryStore, type Supports } from '../../src/index.js'
import { runner } from '../conformance/runner.js'

/** A backend that declares that it lacks a capability, and must not be asked for it. */
function lacking(store: MemoryStore, missing: readonly (keyof Supports)[]): MemoryBackend {
  const fail = () => {
    throw new Error('called, though it is not supported')
  }
  const none = Object.fromEntries(missing.map(capability => [capability, fail]))
  const supports = Object.fromEntries(missing.map(capability => [capability, false]))
  return Object.assign(new MemoryBackend(store), none, { supports })
}

const COMBINATIONS: readonly (readonly (keyof Supports)[])[] = [
  ['commit', 'registerMaxStaleness'],
  ['changesSince'],
  ['load'],
  ['subscribe'],
  ['pop', 'setDefault'],
  ['commit', 'registerMaxStaleness', 'pop', 'setDefault'],
  ['changesSince', 'load', 'subscribe'],
]

for (const missing of COMBINATIONS) {
  conformance(runner, {
    name: `MemoryBackend without ${missing.join(', ')}`,
    missing: Object.fromEntries(missing.map((one): [Capability, string] => [one, 'left out on purpose'])),
    modes: [{ autosync: true }, { live: true, autosync: false }],
    create() {
      const store = new MemoryStore()
      return { backend: () => lacking(store, missing), dispose() {} }
    },
  })
}
