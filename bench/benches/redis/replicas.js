// @ts-check
import { start } from '../../in-process.js'
import { compare, percentile } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { makeHash } from './server.js'

const TASK = new URL('../../tasks/redis-replicas.js', import.meta.url)

/** A bound that no write waits out. */
const BOUND = 60_000

/** @param {string[]} args */
async function startReplicas(...args) {
  const child = start(TASK, args)
  await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))
  return () => new Promise(resolve => child.once('exit', resolve).kill())
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
