// @ts-check
import { once } from 'node:events'
import { createClient } from 'redis'
import { RedisDict } from '../../../dist/index.js'
import { start } from '../../in-process.js'
import { percentile } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { connect, infoOf, makeHash } from '../redis/server.js'
import { Recorder } from './recording.js'

const DICTIONARIES = 5

/** How often a replica renews its record, in ms: what it sends repeats after that. */
const PERIOD = 10_000

const OPTIONS = { live: true, autosync: false }

/**
 * A fleet that is played against one server: what one real client with some live dictionaries sends is recorded, and sent again by many
 * connections. What the server needs for it is measured, and what others of its clients notice.
 * @type {import('../../types.js').Bench}
 */
export async function redisFleet({ quick }) {
  const [replicas, ms] = quick ? [20, 1_000] : [1_000, 20_000]
  const names = []
  let url = ''
  for (let count = 0; count < DICTIONARIES; count += 1) {
    const place = await makeHash(100)
    url = place.url
    names.push(place.name)
  }
  const plan = await record(url, names, quick ? 2_000 : PERIOD)
  const admin = await connect(url)
  const service = await openService(url, /** @type {string} */ (names[0]))
  const [alone, before] = [await service.times(quick ? 5 : 200), await costOf(admin, ms)]

  const load = start(new URL('../../tasks/fleet-load.js', import.meta.url), [])
  await once(load, 'message')
  load.send({ ...plan, replicas })
  await once(load, 'message')
  const during = await costOf(admin, ms)
  const beside = await service.times(quick ? 5 : 200)
  const registered = (await service.dict.replicas()).length
  await new Promise(resolve => load.once('exit', resolve).kill())
  await service.close()
  admin.destroy()

  const fleet = `${replicas.toLocaleString('en')} idle live replicas, each with ${DICTIONARIES} dictionaries`
  const perSecond = (/** @type {'busy' | 'commands' | 'bytes'} */ what) => ((during[what] - before[what]) * 1_000) / ms
  return [
    row(`${fleet}: the server's processor time, of one core`, perSecond('busy') / 1e4, '%'),
    row(`${fleet}: of that, in commands`, perSecond('commands') / 1e4, '%', 6),
    row(`${fleet}: bytes on the wire, a second`, perSecond('bytes'), 'B'),
    row(`${fleet}: that the registry of one dictionary lists`, registered, 'replicas'),
    besides(`a checked read beside them`, beside.get, alone.get),
    besides(`a set beside them`, beside.set, alone.set),
  ]
}

/** @param {string} name @param {number} value @param {import('../../types.js').Unit} unit @param {number} [atMost] */
function row(name, value, unit, atMost) {
  return judged({ name, ours: { value, unit }, ...(atMost !== undefined && { target: { atMost } }) })
}

/** @param {string} name @param {number} ours @param {number} base */
function besides(name, ours, base) {
  const ratio = ours / base
  return judged({
    name: `${name}, p50`,
    ours: { value: ours, unit: 'ns' },
    base: { name: 'the same without them', value: base, unit: 'ns' },
    ratio: { median: ratio, low: ratio, high: ratio, rounds: 1, of: 'time' },
  })
}

/**
 * What one client with these live dictionaries sends, and the ids of its records.
 * @param {string} url @param {readonly string[]} names @param {number} period
 */
async function record(url, names, period) {
  const { hostname, port } = new URL(url)
  const recorder = await Recorder.to(Number(port))
  const client = createClient({ url: `redis://${hostname}:${recorder.port}` })
  client.on('error', () => {})
  await client.connect()
  const dicts = []
  for (const name of names) dicts.push(await RedisDict.open(name, client, OPTIONS))
  const ids = (await Promise.all(dicts.map(dict => dict.replicas()))).flat().map(({ id }) => id)
  const sent = await recorder.steady(period)
  for (const dict of dicts) await dict.close()
  client.destroy()
  await recorder.close()
  return { port: Number(port), period, ids, sent }
}

/** A dictionary that reads and writes beside the fleet. @param {string} url @param {string} name */
async function openService(url, name) {
  const client = await connect(url)
  const dict = await RedisDict.open(name, client)
  const timed = async (/** @type {() => Promise<unknown>} */ work, /** @type {number} */ count) => {
    const times = []
    for (let done = 0; done < count; done += 1) {
      await new Promise(resolve => setTimeout(resolve, 5))
      const began = performance.now()
      await work()
      times.push((performance.now() - began) * 1e6)
    }
    return percentile(times, 0.5)
  }
  let written = 0
  return {
    dict,
    times: async (/** @type {number} */ count) => ({
      get: await timed(() => dict.get(makeKey(1)), count),
      set: await timed(() => dict.set(makeKey(1), makeSample(++written)), count),
    }),
    async close() {
      await dict.close()
      client.destroy()
    },
  }
}

/** What the server does in this time: its processor time and that of its commands in µs, and bytes. @param {Awaited<ReturnType<typeof connect>>} admin @param {number} ms */
async function costOf(admin, ms) {
  // Resets the counters of commands and bytes, but not the processor time.
  await admin.sendCommand(['CONFIG', 'RESETSTAT'])
  const began = await busy(admin)
  await new Promise(resolve => setTimeout(resolve, ms))
  const time = (await busy(admin)) - began
  const stats = await infoOf(admin, 'stats')
  const commands = [...(await infoOf(admin, 'commandstats'))]
    // What a script runs is counted in its own time too.
    .filter(([name]) => !/_(info|config)/.test(name))
    .reduce((sum, [, text]) => sum + Number(/usec=(\d+)/.exec(text)?.[1] ?? 0), 0)
  const bytes = Number(stats.get('total_net_input_bytes')) + Number(stats.get('total_net_output_bytes'))
  return { busy: time, commands, bytes }
}

/** @param {Awaited<ReturnType<typeof connect>>} admin */
async function busy(admin) {
  const cpu = await infoOf(admin, 'cpu')
  return (Number(cpu.get('used_cpu_user')) + Number(cpu.get('used_cpu_sys'))) * 1e6
}
