// @ts-check
/** @import { Disaster, Disasters } from '../conductor/disasters.js' */
/** @import { StoreServer } from '../types.js' */
import { setTimeout as pause } from 'node:timers/promises'

/**
 * A database server that we started.
 * @typedef {StoreServer & { stopFor(ms: number): Promise<void>, kill(): Promise<void>, stop(): Promise<void>, restart(): Promise<void> }}
 * DatabaseServer
 */

/** @type {Disaster<DatabaseServer>} */
const stopServer = ({ server }, random) => server.stopFor(random.between(50, 1_400))

/** It ends its connections, and comes back. @type {Disaster<DatabaseServer>} */
const restartServer = async ({ server }, random) => {
  await server.stop()
  await pause(random.between(0, 300))
  await server.restart()
}

/** Everything acknowledged is in its log. @type {Disaster<DatabaseServer>} */
export const killServer = async ({ server }, random) => {
  await server.kill()
  await pause(random.between(0, 300))
  await server.restart()
}

/** It loses what it acknowledged in the latest seconds. @type {Disaster<DatabaseServer>} */
export const forget = stage =>
  stage.lose('crash without the latest data', async () => {
    await stage.server.kill()
    await stage.server.restart()
  })

/** Others hold all connections of a pool. @type {Disaster<DatabaseServer>} */
export const occupy = async (stage, random) =>
  random.pick(stage.slots).worker?.order('occupy', random.between(50, 1_500))

/** Faults of any database server. @type {Disasters<DatabaseServer>} */
export const OF_SERVERS = [
  [3, 'SIGSTOP of the server', stopServer],
  [2, 'restart of the server', restartServer],
]
