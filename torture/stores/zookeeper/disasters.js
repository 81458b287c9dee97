// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { Ensemble } from './ensemble.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'

/** @type {Disaster<Ensemble>} */
const killLeader = async ({ server }, random) => server.crash([await server.leader()], random.between(0, 1_000))

/** @type {Disaster<Ensemble>} */
const killFollower = async ({ server }, random) =>
  server.crash([await server.follower(random)], random.between(0, 1_000))

/** @type {Disaster<Ensemble>} */
const restartAll = ({ server }, random) => server.crash(server.nodes, random.between(0, 300))

/** One of the servers stops, and processes that are connected to it must leave it. @type {Disaster<Ensemble>} */
const stopServer = ({ server }, random) => server.suspend(random.pick(server.nodes), random.between(50, 2_500))

/** It answers, with what it had. @type {Disaster<Ensemble>} */
const lag = async ({ server }, random) => server.cutOff(await server.follower(random), random.between(50, 1_400))

/** The others may choose another leader, which this one does not know. @type {Disaster<Ensemble>} */
const isolateLeader = async ({ server }, random) => server.cutOff(await server.leader(), random.between(50, 3_000))

/** A process hears from no server until its sessions have expired. @type {Disaster<Ensemble>} */
const expire = async ({ slots, server }, random) => {
  const { proxy } = random.pick(slots)
  proxy.halfOpen()
  await pause(server.session * 1.3)
  proxy.heal()
}

/** Another program creates an entry. @type {Disaster<Ensemble>} */
const plant = async (stage, random) => {
  const place = random.between(0, 1e9)
  await stage.plant(`planted:${place}`, `planted ${place}`)
}

/**
 * An ensemble loses nothing that it has acknowledged. When another program creates or deletes znodes, the library numbers its versions
 * from 0 again.
 * @type {Disasters<Ensemble>}
 */
export const DISASTERS = [
  ...OF_PROCESSES,
  [3, 'SIGKILL of the leader', killLeader],
  [3, 'SIGKILL of a follower', killFollower],
  [1, 'restart of all servers', restartAll],
  [3, 'SIGSTOP of a server', stopServer],
  [3, 'a follower that lags', lag],
  [3, 'a leader without the others', isolateLeader],
  [3, 'session expiry', expire],
  [2, 'a znode deleted by others', steal],
  [2, 'a znode created by others', plant],
]
