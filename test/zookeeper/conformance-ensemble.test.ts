import { afterAll, beforeAll } from 'vitest'
import type { Mode } from '../../src/conformance/index.js'
import { LONG } from '../form.js'
import type { ZookeeperEnsemble } from '../servers/types.js'
import { startZookeeperEnsemble } from '../servers/zookeeper-nodes.js'
import { conform } from './conform.js'

let ensemble: ZookeeperEnsemble

beforeAll(async () => {
  ensemble = await startZookeeperEnsemble()
})

afterAll(() => ensemble.stop())

// Its checks must be linearizable although each backend uses another server.
const MODES: readonly Mode[] = [
  { autosync: true, consistency: 'linearizable' },
  ...(LONG ? [{ live: true, consistency: 'linearizable' } as const] : []),
]
// Two servers have to confirm each request.
conform('an ensemble of three, linearizable', () => ensemble.addresses, MODES, 4)
