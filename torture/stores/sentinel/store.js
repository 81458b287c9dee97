// @ts-check
import * as redis from '../redis/store.js'
import { DISASTERS } from './disasters.js'
import { Sentinels } from './sentinels.js'

export const { offers } = redis

/** By both clients. The controls use the first one. */
export const cast = ['ioredis', 'node-redis'].flatMap(name =>
  redis.cast.filter(({ client }) => client.startsWith(name)),
)

/** Clients look for another primary every ten seconds if nothing else tells them of it, in ms. */
const RECOVERY = 25_000

export const plain = {}

/** Those of Redis that need no special server. */
export const controls = redis.controls.filter(({ wishes }) => wishes === undefined)

export async function start() {
  return {
    server: await Sentinels.start(),
    title: 'a pair with two sentinels',
    disasters: () => DISASTERS,
    recovery: RECOVERY,
  }
}
