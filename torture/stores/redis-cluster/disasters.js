// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { Cluster } from './cluster.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'

/** @type {Disaster<Cluster>} */
const stopPrimary = async ({ server }, random) => {
  const { pid } = await server.owner()
  process.kill(pid, 'SIGSTOP')
  await pause(random.between(50, 1_400))
  process.kill(pid, 'SIGCONT')
}

/** @type {Disaster<Cluster>} */
const moveSlot = ({ server }, random) => server.moveSlot(random.between(0, 1))

/** @type {Disaster<Cluster>} */
const failOver = ({ server }) => server.failOver()

/** The replica takes over without what it had not received yet. @type {Disaster<Cluster>} */
const killPrimary = async (stage, random) => {
  const { server } = stage
  const [owner, heir] = [await server.owner(), await server.heir()]
  await stage.fail(
    'failover',
    () => process.kill(owner.pid, 'SIGKILL'),
    async () => {
      await owner.stop()
      await server.takeOver(heir)
    },
  )
  await pause(random.between(0, 500))
  await server.restart(owner)
}

/** @type {Disaster<Cluster>} */
const flush = stage => stage.strike('FLUSHALL', () => stage.server.flush())

/**
 * Moved slots and planned failovers lose nothing. A primary that is killed may lose what it acknowledged and its replica had not
 * received: replication does not wait.
 * @type {Disasters<Cluster>}
 */
export const DISASTERS = [
  ...OF_PROCESSES,
  [4, 'a slot that moves', moveSlot],
  [4, 'planned failover', failOver],
  [4, 'SIGKILL of the primary', killPrimary],
  [3, 'SIGSTOP of the primary', stopPrimary],
  [1, 'FLUSHALL under load', flush],
  [2, 'HDEL by an external writer', steal],
]
