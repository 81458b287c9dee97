// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { Sentinels } from './sentinels.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'

/** While nobody writes, as an operator plans it: sentinels do not wait for what the replica lacks. @type {Disaster<Sentinels>} */
const planned = async stage => {
  const { server } = stage
  const owner = await server.owner()
  await stage.lose('planned failover', async () => {
    await server.failOver()
    await server.demote(owner)
  })
  await server.untilWell()
}

/** @type {Disaster<Sentinels>} */
const killPrimary = async (stage, random) => {
  const { server } = stage
  const owner = await server.owner()
  await stage.fail(
    'failover',
    () => process.kill(owner.pid, 'SIGKILL'),
    async () => {
      await owner.stop()
      await server.failOver()
    },
  )
  await pause(random.between(0, 500))
  await server.restart(owner)
  await server.untilWell()
}

/** It is replaced while it is stopped, and comes back: it calls itself the primary until a sentinel corrects that. @type {Disaster<Sentinels>} */
const replaceStopped = async (stage, random) => {
  const { server } = stage
  const { pid } = await server.owner()
  await stage.fail(
    'failover',
    () => process.kill(pid, 'SIGSTOP'),
    () => server.failOver(),
  )
  await pause(random.between(0, 500))
  process.kill(pid, 'SIGCONT')
  await server.untilWell()
}

/** @type {Disaster<Sentinels>} */
const stopPrimary = async ({ server }, random) => {
  const { pid } = await server.owner()
  process.kill(pid, 'SIGSTOP')
  await pause(random.between(50, 1_400))
  process.kill(pid, 'SIGCONT')
}

/** @type {Disaster<Sentinels>} */
const killSentinel = async ({ server }, random) => {
  const sentinel = random.pick(server.sentinels)
  await sentinel.stop()
  await pause(random.between(0, 1_000))
  await server.restart(sentinel)
  await server.untilWell()
}

/** @type {Disaster<Sentinels>} */
const flush = stage => stage.strike('FLUSHALL', () => stage.server.flush())

/**
 * A failover loses what the primary acknowledged and its replica had not received: replication does not wait, and sentinels do not
 * either. What a primary acknowledges while it does not know that it was replaced would be lost as well: nobody may be connected to it then.
 * @type {Disasters<Sentinels>}
 */
export const DISASTERS = [
  ...OF_PROCESSES,
  [4, 'planned failover', planned],
  [4, 'SIGKILL of the primary', killPrimary],
  [3, 'SIGSTOP of the primary until it is replaced', replaceStopped],
  [2, 'SIGSTOP of the primary', stopPrimary],
  [2, 'SIGKILL of a sentinel', killSentinel],
  [1, 'FLUSHALL under load', flush],
  [2, 'HDEL by an external writer', steal],
]
