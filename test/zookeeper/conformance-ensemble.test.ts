import { afterAll, beforeAll } from 'vitest'
import type { ZookeeperEnsemble } from '../servers/types.js'
import { startZookeeperEnsemble } from '../servers/zookeeper-nodes.js'
import { conform } from './conform.js'

let ensemble: ZookeeperEnsemble

beforeAll(async () => {
  ensemble = await startZookeeperEnsemble()
})

afterAll(() => ensemble.stop())

conform('an ensemble of three', () => ensemble.addresses, { modes: [{ live: true }] })
conform('an ensemble of three, with barriers', () => ensemble.addresses, { barrier: true, modes: [{ autosync: true }] })
