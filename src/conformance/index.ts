import { acknowledgements } from './contract/acknowledgements.js'
import { atomicMethods } from './contract/atomic.js'
import { recordedBound } from './contract/bound.js'
import { changeLog, loading } from './contract/changes.js'
import { commits } from './contract/commit.js'
import { fourMethods } from './contract/four-methods.js'
import { recordedHistory } from './contract/history.js'
import { historyPolicies } from './contract/history-policies.js'
import { push } from './contract/push.js'
import { registry } from './contract/registry.js'
import { boundedReads, bounds } from './dictionary/bounds.js'
import { closing, closingWhileReading } from './dictionary/closing.js'
import { contexts } from './dictionary/contexts.js'
import { defaults } from './dictionary/defaults.js'
import { encodings } from './dictionary/encodings.js'
import { events } from './dictionary/events.js'
import { acknowledging, everywhere } from './dictionary/everywhere.js'
import { history } from './dictionary/history.js'
import { keys } from './dictionary/keys.js'
import { races } from './dictionary/races.js'
import { readOnly } from './dictionary/read-only.js'
import { reads } from './dictionary/reads.js'
import { relying } from './dictionary/relying.js'
import { replicas } from './dictionary/replicas.js'
import { schemas } from './dictionary/schemas.js'
import { snapshots } from './dictionary/snapshots.js'
import { transactions } from './dictionary/transactions.js'
import { values } from './dictionary/values.js'
import { checkedReads, liveMemory, memoryReads, visibility } from './dictionary/visibility.js'
import { watching } from './dictionary/watching.js'
import { writes } from './dictionary/writes.js'
import { damagedRecords } from './faults/damage.js'
import { hangingStores } from './faults/hanging.js'
import { faultyPushes, staleness } from './faults/live.js'
import { faultyOpening, faultySubscribing } from './faults/opening.js'
import { alteredEntries, faultyChecks, faultyLogs, faultyReads } from './faults/reading.js'
import { timeLimits } from './faults/time-limits.js'
import { faultyWrites } from './faults/writing.js'
import type { Runner, Subject } from './subject.js'
import { register, type Topic } from './suite.js'

export { type Call, FaultyBackend, type Interceptor, type Method } from './faulty-backend.js'
export {
  type Capability,
  type Fixture,
  MODES,
  type Mode,
  type RegisterTest,
  type Runner,
  type Subject,
} from './subject.js'

const TOPICS: readonly Topic[] = [
  fourMethods,
  atomicMethods,
  commits,
  changeLog,
  loading,
  push,
  recordedBound,
  recordedHistory,
  historyPolicies,
  registry,
  acknowledgements,
  reads,
  writes,
  keys,
  values,
  snapshots,
  visibility,
  checkedReads,
  memoryReads,
  liveMemory,
  races,
  transactions,
  watching,
  history,
  events,
  defaults,
  schemas,
  encodings,
  closing,
  closingWhileReading,
  bounds,
  boundedReads,
  replicas,
  everywhere,
  acknowledging,
  relying,
  readOnly,
  contexts,
  faultyReads,
  faultyChecks,
  faultyLogs,
  damagedRecords,
  alteredEntries,
  hangingStores,
  timeLimits,
  faultyWrites,
  faultyOpening,
  faultySubscribing,
  faultyPushes,
  staleness,
]

/**
 * Registers the conformance tests of a backend and of dictionaries on it: in every mode, alone and with other writers,
 * with and without faults.
 *
 * @param runner - the test functions of any runner.
 * @param subject - the backend to test.
 *
 * @example
 * conformance({ describe, test }, { name: 'MyBackend', create: () => new MyFixture() })
 */
export function conformance(runner: Runner, subject: Subject): void {
  register(runner, subject, TOPICS)
}
