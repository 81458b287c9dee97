import { describe } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import { conformance, type Mode } from '../../src/conformance/index.js'
import { runner } from '../conformance/runner.js'

let stores = 0

/**
 * Runs the conformance suite. Each test has its own dictionary on the same server.
 *
 * @param timeoutScale - by default 2: opening takes a dozen requests, one after the other.
 */
export function conform(name: string, client: () => unknown, modes?: readonly Mode[], timeoutScale = 2): void {
  const create = () => {
    stores += 1
    const path = `/store/${process.pid}-${stores}`
    return { backend: () => new ZookeeperBackend(path, opener(client())), dispose() {} }
  }
  const missing = {
    megabytes: 'a server accepts requests of at most 1 MiB (jute.maxbuffer)',
    linearizable: 'checks are answered from the last watch event, unless consistency is linearizable',
  }
  describe(name, () => {
    const subject = { name: 'ZookeeperBackend', create, missing, timeoutScale }
    conformance(runner, { ...subject, ...(modes && { modes }) })
  })
}
