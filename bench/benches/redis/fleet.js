// @ts-check
import { start } from '../../in-process.js'
import { compare, percentile, spread } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { connect, infoOf, makeHash } from './server.js'

const REPLICAS = 50

/** About as long as the message of a change. */
const PAYLOAD = JSON.stringify(['s', 'key', 'x'.repeat(250)])

/** What a live dictionary costs the server while nothing changes. @type {import('../../types.js').Bench} */
export async function idleCost({ quick }) {
  const { url, name } = await makeHash(1_000)
  const open = /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])
  const [client, admin] = [await open(url), await connect(url)]
  const dict = await client.open(name, { live: true })
  await client.set('plain', JSON.stringify(makeSample(1)))
  await admin.sendCommand(['CONFIG', 'RESETSTAT'])
  // About as often as a heartbeat: any rare operation takes longer.
  const asking = setInterval(() => client.get('plain'), 333)
  const beats = await heartbeats(() => dict.staleness, quick ? 1_500 : 10_000)
  clearInterval(asking)
  const [get] = await usage(admin, ['get'])
  const stats = await usage(admin)
  const scripts = (await usage(admin, ['eval', 'evalsha'])).reduce((sum, one) => sum + one.calls, 0)
  const checks = (await usage(admin, ['getex']))[0]?.calls ?? 0
  const micros = stats.reduce((sum, one) => sum + one.micros, 0) / checks
  const perGet = (get?.micros ?? 0) / (get?.calls ?? 1)
  await dict.close()
  client.close()
  admin.destroy()
  return [
    judged({
      name: 'an idle live dictionary: checks per heartbeat',
      ours: { value: checks / beats, unit: 'checks' },
      // The last one sent may not have been answered yet.
      target: { atMost: 1 + 1.5 / beats },
    }),
    judged({
      name: 'an idle live dictionary: scripts per heartbeat',
      ours: { value: scripts / beats, unit: 'scripts' },
      target: { atMost: 0 },
    }),
    judged({
      name: 'an idle live dictionary: time of the server per heartbeat',
      ours: { value: micros * 1e3, unit: 'ns' },
      base: { name: 'per GET at the same pace', value: perGet * 1e3, unit: 'ns' },
      ratio: { ...spread([micros / perGet]), of: 'time' },
      target: { atMost: 1.5 },
    }),
  ]
}

/** How often memory was confirmed within so many ms. @param {() => number} staleness @param {number} ms */
async function heartbeats(staleness, ms) {
  const until = performance.now() + ms
  let beats = 0
  for (let before = staleness(); performance.now() < until; ) {
    await new Promise(resolve => setTimeout(resolve, 5))
    const now = staleness()
    if (now < before) beats += 1
    before = now
  }
  return beats
}

/**
 * The commands that clients sent, without those from scripts and those that measure. @param {Awaited<ReturnType<typeof
 * connect>>} admin
 */
async function usage(admin, wanted = ['evalsha', 'eval', 'getex', 'hlen', 'hget', 'hgetall', 'hscan']) {
  const stats = await infoOf(admin, 'commandstats')
  return [...stats].flatMap(([key, text]) => {
    const [, calls, micros] = /calls=(\d+),usec=(\d+)/.exec(text) ?? []
    return wanted.includes(key.replace('cmdstat_', '')) ? [{ calls: Number(calls), micros: Number(micros) }] : []
  })
}

/** How much many live replicas slow a writer. @type {import('../../types.js').Bench} */
export async function fleet({ quick }) {
  const { url, name } = await makeHash(1_000)
  const { name: alone } = await makeHash(1_000)
  const open = /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])
  const client = await open(url)
  const [followed, unfollowed] = [await client.open(name), await client.open(alone)]
  const replicas = quick ? 10 : REPLICAS
  const child = start(new URL('../../tasks/redis-fleet.js', import.meta.url), [url, name, `${replicas}`])
  await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))
  let written = 0
  /** The median of writes with pauses, in which the replicas become idle. @param {import('../../types.js').Dict} dict */
  const paced = dict => async () => {
    const times = []
    for (let count = 0; count < 10; count += 1) {
      await new Promise(resolve => setTimeout(resolve, quick ? 2 : 8))
      const started = performance.now()
      await dict.set(makeKey(0), makeSample(++written))
      times.push((performance.now() - started) * 1e6)
    }
    return percentile(times, 0.5)
  }
  /** Consecutive writes without a pause. @param {import('../../types.js').Dict} dict */
  const rapid = dict => async () => {
    await new Promise(resolve => setTimeout(resolve, quick ? 2 : 30))
    const started = performance.now()
    for (let count = 0; count < 20; count += 1) await dict.set(makeKey(0), makeSample(++written))
    return ((performance.now() - started) * 1e6) / 20
  }
  /** The same of a bare PUBLISH. @param {string} channel */
  const published = channel => async () => {
    const times = []
    for (let count = 0; count < 10; count += 1) {
      await new Promise(resolve => setTimeout(resolve, quick ? 2 : 8))
      const started = performance.now()
      await client.publish(channel, PAYLOAD)
      times.push((performance.now() - started) * 1e6)
    }
    return percentile(times, 0.5)
  }
  const rounds = quick ? 3 : 51
  const bare = await compare({ ours: published('bench'), base: published('nobody'), rounds })
  const parsed = await compare({ ours: published('parsed'), base: published('nobody'), rounds })
  const one = await compare({ ours: paced(followed), base: paced(unfollowed), rounds })
  const many = await compare({ ours: rapid(followed), base: rapid(unfollowed), rounds })
  await new Promise(resolve => child.once('exit', resolve).kill())
  await followed.close()
  await unfollowed.close()
  client.close()
  return [
    compared(`await set, followed by ${replicas} live replicas`, 'followed by none', one),
    compared(`the same of a bare PUBLISH, ${replicas} subscribers that do nothing`, 'none', bare),
    compared(`the same of a bare PUBLISH, ${replicas} subscribers that parse the message`, 'none', parsed),
    added(`what ${replicas} live replicas add to a set`, one, 'what such subscribers add to a PUBLISH', parsed),
    compared(`20 sets one after the other, ${replicas} live replicas in one process`, 'followed by none', many),
  ]
}

/** @typedef {Awaited<ReturnType<typeof compare>>} Compared */

/** By how much followers slow a writer. @param {string} name @param {Compared} ours @param {string} baseName @param {Compared} base */
function added(name, ours, baseName, base) {
  const [mine, theirs] = [ours.ours - ours.base, base.ours - base.base]
  return judged({
    name,
    ours: { value: mine, unit: 'ns' },
    base: { name: baseName, value: theirs, unit: 'ns' },
    ratio: { ...spread([mine / theirs]), of: 'time' },
    target: { atMost: 1 },
  })
}
