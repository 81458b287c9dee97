import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { type Capability, conformance, type Mode } from '../../src/conformance/index.js'
import { MemoryStore, type Supports } from '../../src/index.js'
import { runner } from '../conformance/runner.js'
import { LONG } from '../form.js'

/** A backend that declares that it lacks a capability, and must not be asked for it. */
function lacking(store: MemoryStore, missing: readonly (keyof Supports)[]): MemoryBackend {
  const fail = () => {
    throw new Error('called, though it is not supported')
  }
  const none = Object.fromEntries(missing.map(capability => [capability, fail]))
  const supports = Object.fromEntries(missing.map(capability => [capability, false]))
  return Object.assign(new MemoryBackend(store), none, { supports })
}

type Combination = readonly [missing: readonly (keyof Supports)[], ...modes: Mode[]]

const CHECKED: Mode = { autosync: true }
const LIVE: Mode = { live: true, autosync: false }

/** Of any two capabilities, one without the other: MemoryBackend has both, and the journal of `four-methods.ts` neither. */
const PAIRWISE: readonly Combination[] = [
  [['commit', 'registerMaxStaleness', 'history', 'presence', 'load', 'pop', 'setDefault'], CHECKED],
  [['commit', 'registerMaxStaleness', 'history', 'presence', 'subscribe'], LIVE],
  [['changesSince', 'load', 'history', 'presence'], LIVE],
  [['changesSince', 'subscribe', 'pop', 'setDefault'], CHECKED],
]

const ALL: readonly Combination[] = [
  [['commit', 'registerMaxStaleness', 'history', 'presence'], CHECKED, LIVE],
  [['changesSince'], CHECKED, LIVE],
  [['load'], CHECKED, LIVE],
  [['subscribe'], CHECKED, LIVE],
  [['pop', 'setDefault'], CHECKED, LIVE],
  [['commit', 'registerMaxStaleness', 'history', 'presence', 'pop', 'setDefault'], CHECKED, LIVE],
  [['changesSince', 'load', 'subscribe'], CHECKED, LIVE],
  ...PAIRWISE,
]

for (const [missing, ...modes] of LONG ? ALL : PAIRWISE) {
  conformance(runner, {
    name: `MemoryBackend without ${missing.join(', ')}`,
    missing: Object.fromEntries(missing.map((one): [Capability, string] => [one, 'left out on purpose'])),
    modes,
    create() {
      const store = new MemoryStore()
      return { backend: () => lacking(store, missing), dispose() {} }
    },
  })
}
