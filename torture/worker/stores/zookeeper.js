// @ts-check
/** @import { Connect } from '../store.js' */
import { NAME } from '../store.js'
import { lossy } from './lossy.js'

/** @typedef {{ type: 'zookeeper', servers: string, client: 'own' | 'node-zookeeper-client', session: number }} ZookeeperPlan */

/** How long an attempt to connect may take, in ms. */
const TIMEOUT = 1_000

/** The znode of the dictionary. */
export const PATH = `/${NAME}`

/** Checked reads are linearizable, unless a session asks for less. @type {Connect<ZookeeperPlan>} */
export async function connect({ servers, client: kind, session }, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const { DurableDict, ZookeeperDict } = await built('index.js')
  /** @type {typeof import('../../../dist/backends/zookeeper/connect.js')} */
  const backends = await built('backends/zookeeper/connect.js')
  /** @type {typeof import('../../../dist/conformance/faulty-backend.js')} */
  const { FaultyBackend } = await built('conformance/faulty-backend.js')
  const client = kind === 'own' ? undefined : await openClient(servers, session)
  const own = client ? {} : { sessionTimeout: session }
  return {
    async open(options, channel) {
      const all = { consistency: /** @type {const} */ ('linearizable'), ...common, ...options }
      if (!channel) return ZookeeperDict.open(PATH, client ?? servers, { ...own, ...all })
      const backend = await backends.connect(PATH, backends.opener(client ?? servers, own), TIMEOUT, undefined)
      const faulty = new FaultyBackend(backend)
      faulty.letKnow()
      return DurableDict.open(lossy(faulty, channel), all)
    },
    disconnect: () => client?.close(),
  }
}

/** @param {string} servers @param {number} session */
async function openClient(servers, session) {
  const { createClient } = await import('node-zookeeper-client')
  return createClient(servers, { sessionTimeout: session, spinDelay: 50 })
}
