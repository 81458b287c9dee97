// @ts-check
import { RedisBackend } from '../../../dist/backends/redis/redis-backend.js'
import { percentile, spread } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKeys, makeSample, shuffled } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { connect, infoOf, makeHash } from './server.js'

const KEYS = 500

/** A call, and the commands in which the server counts its time. @typedef {{ commands: string[], call: (count: number) => unknown }} Call */

/** How long the server works on each call, as it counts itself. @type {import('../../types.js').Bench} */
export async function serverTime({ quick }) {
  const { url, name } = await makeHash(KEYS)
  const { name: plain } = await makeHash(KEYS)
  const admin = await connect(url)
  const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
  const backends = [new RedisBackend(admin, name), new RedisBackend(admin, plain)]
  await backends[1]?.setHistoryPolicy(false)
  const [dict, other] = [await client.open(name), await client.open(plain)]
  await client.set('plain', 'x')
  const calls = await callsOf(client, dict, other, /** @type {RedisBackend} */ (backends[0]))
  const times = await timesOf(admin, calls, quick ? 2 : 9, quick ? 20 : 300)
  for (const one of [dict, other, ...backends]) await one.close()
  client.close()
  admin.destroy()
  const row = (/** @type {string} */ what, /** @type {string} */ base) =>
    judged({
      name: `time of the server: ${what}`,
      ours: { value: /** @type {number} */ (times.get(what)), unit: 'ns' },
      base: { name: base, value: /** @type {number} */ (times.get(base)), unit: 'ns' },
      ratio: { ...spread([Number(times.get(what)) / Number(times.get(base))]), of: 'time' },
    })
  return [
    row('a check', 'GET'),
    row('a set', 'HSET'),
    row('a set without history', 'HSET'),
    row('the renewal of a record', 'HSET'),
    row('an acknowledgement', 'HSET'),
  ]
}

/**
 * @param {import('./clients.js').Client} client @param {import('../../types.js').Dict} dict @param {import('../../types.js').Dict}
 * other without history @param {RedisBackend} backend @returns {Promise<Record<string, Call>>}
 */
async function callsOf(client, dict, other, backend) {
  const keys = shuffled(makeKeys(KEYS))
  const key = (/** @type {number} */ count) => /** @type {string} */ (keys[count % KEYS])
  const replica = { id: crypto.randomUUID(), host: 'host', pid: 1, library: '1', live: true, bound: 60_000 }
  const version = await backend.lastUpdated()
  const evalsha = ['evalsha']
  return {
    GET: { commands: ['get'], call: () => client.get('plain') },
    HSET: { commands: ['hset'], call: count => client.hset('hash', key(count), 'x'.repeat(60)) },
    'a check': { commands: ['getex', 'hlen', 'hget'], call: count => dict.get(key(count)) },
    'a set': { commands: evalsha, call: count => dict.set(key(count), makeSample(count)) },
    'a set without history': { commands: evalsha, call: count => other.set(key(count), makeSample(count)) },
    'the renewal of a record': { commands: evalsha, call: () => backend.register(replica, 30_000) },
    'an acknowledgement': { commands: evalsha, call: () => backend.acknowledge(replica.id, version) },
  }
}

/**
 * The medians, in ns. @param {Awaited<ReturnType<typeof connect>>} admin @param {Record<string, Call>} calls @param {number} rounds
 * @param {number} count
 */
async function timesOf(admin, calls, rounds, count) {
  /** @type {Map<string, number[]>} */
  const times = new Map()
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, { commands, call }] of Object.entries(calls)) {
      await admin.sendCommand(['CONFIG', 'RESETSTAT'])
      for (let done = 0; done < count; done += 1) await call(round * count + done)
      const stats = await infoOf(admin, 'commandstats')
      const micros = commands.map(command => Number(/usec=(\d+)/.exec(stats.get(`cmdstat_${command}`) ?? '')?.[1] ?? 0))
      const total = micros.reduce((sum, one) => sum + one, 0)
      times.set(name, [...(times.get(name) ?? []), (total * 1e3) / count])
    }
  }
  return new Map([...times].map(([name, all]) => [name, percentile(all, 0.5)]))
}
