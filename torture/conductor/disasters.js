// @ts-check
/** @import { Random } from '../random.js' */
/** @import { StoreServer } from '../types.js' */
/** @import { Faults } from './faults.js' */
/** @import { Stage } from './stage.js' */
import { setTimeout as pause } from 'node:timers/promises'

/**
 * A fault of processes or servers, one at a time; over when it resolves.
 * @template {StoreServer} [S=any]
 * @typedef {(stage: Stage<S>, random: Random) => Promise<unknown>} Disaster
 */
/**
 * @template {StoreServer} [S=any]
 * @typedef {readonly (readonly [weight: number, name: string, disaster: Disaster<S>])[]} Disasters
 */

/** @type {Disaster} */
const killWorker = async (stage, random) => {
  const slot = random.pick(stage.slots)
  await slot.worker?.kill()
  await stage.join(slot)
}

/** A process does not notice that it is stopped, for shorter or longer than its bounds. @type {Disaster} */
const stopWorker = async (stage, random) => {
  const { worker } = random.pick(stage.slots)
  worker?.signal('SIGSTOP')
  await pause(random.between(50, 1_200))
  worker?.signal('SIGCONT')
}

/** All processes end, and all begin at the same time. @type {Disaster} */
const killAll = async stage => {
  await Promise.all(stage.slots.map(slot => slot.worker?.kill()))
  await Promise.all(stage.slots.map(slot => stage.join(slot)))
}

/** Another program removes an entry. @type {Disaster} */
export const steal = async (stage, random) => {
  const { entries } = await stage.server.state()
  const keys = Object.keys(entries).filter(key => !key.startsWith('pair:') && !key.startsWith('mono:'))
  if (keys.length > 0) await stage.steal(random.pick(keys.slice(-20)))
}

/** Faults of the processes, whatever the store. @type {Disasters} */
export const OF_PROCESSES = [
  [4, 'SIGKILL of a client', killWorker],
  [1, 'SIGKILL of all clients', killAll],
  [6, 'SIGSTOP of a client', stopWorker],
]

/**
 * Causes disasters until stopped.
 * @param {Stage<any>} stage @param {() => Disasters} disasters @param {Random} random @param {AbortSignal} signal @param {Faults} faults
 */
export async function strike(stage, disasters, random, signal, faults) {
  while (!signal.aborted) {
    await pause(random.between(100, 900))
    const [name, disaster] = random.weighted(
      disasters().map(([weight, ...rest]) => /** @type {const} */ ([weight, rest])),
    )
    await faults.cause(name, () => disaster(stage, random))
    if (random.chance(0.3)) await faults.recover()
  }
}
