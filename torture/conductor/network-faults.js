// @ts-check
/** @import { FaultProxy, Link } from '../proxy.js' */
/** @import { Random } from '../random.js' */
/** @import { Faults } from './faults.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** A fault of the network, over when it resolves. */
/** @typedef {(proxy: FaultProxy, random: Random) => Promise<unknown>} NetworkFault */

/** One connection, or all. @param {FaultProxy} proxy @param {Random} random @returns {Link[]} */
function some({ links }, random) {
  return links.length === 0 || random.chance(0.3) ? links : [random.pick(links)]
}

/** @type {Readonly<Record<string, NetworkFault>>} */
const FAULTS = {
  async cut(proxy, random) {
    for (const link of some(proxy, random)) link.cut()
  },
  async delay(proxy, random) {
    proxy.delay(random.between(1, 60))
    await pause(random.between(100, 800))
    proxy.delay(0)
  },
  /** The server's responses or pushes are lost; then the connection is cut. */
  async 'drop answers'(proxy, random) {
    await dropThenCut(some(proxy, random), random, 'toClient')
  },
  async 'drop questions'(proxy, random) {
    await dropThenCut(some(proxy, random), random, 'toServer')
  },
  /** For up to longer than the time limit of a call. */
  async 'half open'(proxy, random) {
    proxy.halfOpen()
    await pause(random.between(50, 1_500))
    proxy.heal()
  },
  async refuse(proxy, random) {
    proxy.refuse(true)
    await pause(random.between(20, 300))
    proxy.refuse(false)
  },
  /** What a client sent arrives after it has lost the connection, and perhaps sent it again. */
  async late(proxy, random) {
    const links = some(proxy, random)
    for (const link of links) link.hold()
    await pause(random.between(5, 60))
    for (const link of links) link.orphan()
    await pause(random.between(20, 500))
    for (const link of links) link.release()
  },
}

/** @param {readonly Link[]} links @param {Random} random @param {'toServer' | 'toClient'} direction */
async function dropThenCut(links, random, direction) {
  for (const link of links) link.swallow([direction])
  await pause(random.between(5, 200))
  for (const link of links) link.cut()
}

/**
 * Damages the clients' connections until stopped. @param {() => readonly FaultProxy[]} proxies @param {Random} random @param
 * {AbortSignal} signal @param {Faults} faults
 */
export async function damage(proxies, random, signal, faults) {
  while (!signal.aborted) {
    await pause(random.between(20, 250))
    const kind = random.pick(Object.keys(FAULTS))
    await faults.cause(`network: ${kind}`, async () => FAULTS[kind]?.(random.pick(proxies()), random))
    if (random.chance(0.05)) await faults.recover()
  }
}
