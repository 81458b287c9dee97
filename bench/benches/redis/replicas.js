// @ts-check
import { start } from '../../in-process.js'
import { compare, percentile } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { connect, infoOf, makeHash } from './server.js'

const TASK = new URL('../../tasks/redis-replicas.js', import.meta.url)

/** For how many replicas, each with how many dictionaries, the cost is calculated. */
const FLEET = 1_000
const DICTIONARIES = 5

/** A bound that no write waits out. */
const BOUND = 60_000

/** @param {string[]} args */
async function startReplicas(...args) {
  const child = start(TASK, args)
  await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))
  return () => new Promise(resolve => child.once('exit', resolve).kill())
}

/** What idle replicas cost the server, calculated for a large fleet. @type {import('../../types.js').Bench} */
export async function idleFleet({ quick }) {
  const [replicas, ms] = quick ? [3, 2_000] : [40, 20_000]
  const names = []
  let url = ''
  for (let count = 0; count < DICTIONARIES; count += 1) {
    const place = await makeHash(100)
    url = place.url
    names.push(place.name)
  }
  const admin = await connect(url)
  const before = await cost(admin, ms)
  const stop = await startReplicas(url, String(replicas), '', ...names)
  // The renewals begin with the opening.
  await new Promise(resolve => setTimeout(resolve, quick ? 0 : 10_000))
  const during = await cost(admin, ms)
  await stop()
  admin.destroy()
  const share = (/** @type {number} */ micros) => (micros * 100 * FLEET) / replicas / (ms * 1e3)
  const title = `${FLEET.toLocaleString('en')} idle live replicas with ${DICTIONARIES} dictionaries each, calculated from ${replicas}`
  return [
    judged({
      name: `${title}: commands, of one core of the server`,
      ours: { value: share(during.commands - before.commands), unit: '%' },
      target: { atMost: 6 },
    }),
    judged({
      name: `${title}: everything, of one core of the server`,
      ours: { value: share(during.total - before.total), unit: '%' },
    }),
    judged({
      name: `${title}: bytes on the wire`,
      ours: { value: ((during.bytes - before.bytes) * FLEET) / replicas / (ms / 1e3), unit: 'B' },
    }),
  ]
}

/** What the server does in this time, in µs and bytes. @param {Awaited<ReturnType<typeof connect>>} admin @param {number} ms */
async function cost(admin, ms) {
  // Resets the counters of commands and bytes, but not the processor time.
  await admin.sendCommand(['CONFIG', 'RESETSTAT'])
  const cpu = await processorTime(admin)
  await new Promise(resolve => setTimeout(resolve, ms))
  const total = (await processorTime(admin)) - cpu
  const commands = [...(await infoOf(admin, 'commandstats'))]
    // The few of them that a script runs are counted twice.
    .filter(([key]) => /_(evalsha|getex|hlen|hget|ping)$/.test(key))
    .reduce((sum, [, text]) => sum + Number(/usec=(\d+)/.exec(text)?.[1] ?? 0), 0)
  return { commands, total, bytes: await traffic(admin) }
}

/** @param {Awaited<ReturnType<typeof connect>>} admin */
async function processorTime(admin) {
  const cpu = await infoOf(admin, 'cpu')
  return (Number(cpu.get('used_cpu_user')) + Number(cpu.get('used_cpu_sys'))) * 1e6
}

/** @param {Awaited<ReturnType<typeof connect>>} admin */
async function traffic(admin) {
  const stats = await infoOf(admin, 'stats')
  return Number(stats.get('total_net_input_bytes')) + Number(stats.get('total_net_output_bytes'))
}

/**
 * A write that waits until every process has applied it, against one that does not wait.
 * @type {import('../../types.js').Bench}
 */
export async function everywhere({ quick }) {
  const processes = quick ? 2 : 20
  const { url, name } = await makeHash(100)
  const stops = []
  for (let count = 0; count < processes; count += 1) stops.push(await startReplicas(url, '1', String(BOUND), name))
  const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
  const dict = await client.open(name)
  let written = 0
  /** The median of some writes with pauses, in which the processes become idle. @param {object} options */
  const paced = options => async () => {
    const times = []
    for (let count = 0; count < 5; count += 1) {
      await new Promise(resolve => setTimeout(resolve, quick ? 2 : 30))
      const started = performance.now()
      await dict.set(makeKey(0), makeSample(++written), options)
      times.push((performance.now() - started) * 1e6)
    }
    return percentile(times, 0.5)
  }
  const measured = await compare({ ours: paced({ everywhere: true }), base: paced({}), rounds: quick ? 3 : 31 })
  await dict.close()
  client.close()
  for (const stop of stops) await stop()
  const title = `await set, everywhere: true, ${processes} live processes with a bound of ${BOUND / 1_000} s`
  return [compared(title, 'without everywhere', measured, { atMost: 5 })]
}
