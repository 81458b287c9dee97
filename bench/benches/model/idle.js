// @ts-check
import pg from 'pg'
import { processorTimeOf } from '../../processor-time.js'
import { judged } from '../../rows.js'
import { makeTable, openTable } from './server.js'

const DICTIONARIES = 10

/** What idle live dictionaries of one process cost the server. @type {import('../../types.js').Bench} */
export async function idleCost({ quick }) {
  const ms = quick ? 1_500 : 10_000
  const polling = await measure(ms, {})
  const listening = await measure(ms, { listen: true })
  return [
    judged({
      name: 'an idle live dictionary, polling every 200 ms: statements per second',
      ours: { value: polling.statements, unit: 'calls' },
      target: { atMost: 5.6 },
    }),
    judged({ name: 'the same: CPU time of the server per second', ours: { value: polling.cpu, unit: 'ns' } }),
    judged({
      name: 'an idle live dictionary that listens: statements per second',
      ours: { value: listening.statements, unit: 'calls' },
      target: { atMost: 4 },
    }),
    judged({ name: 'the same: CPU time of the server per second', ours: { value: listening.cpu, unit: 'ns' } }),
  ]
}

/** For each dictionary and second. @param {number} ms @param {{ listen?: boolean }} how */
async function measure(ms, { listen }) {
  const opened = []
  let statements = 0
  for (let n = 0; n < DICTIONARIES; n += 1) {
    const { url, name } = await makeTable(10)
    const table = await openTable(url, name)
    const connect = async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      return client
    }
    const dict = await table.open({ live: true, ...(listen && { listen: connect }) })
    table.pool.on('acquire', () => {
      statements += 1
    })
    opened.push({ table, dict })
  }
  statements = 0
  const before = processorTimeOf('postgres')
  await new Promise(resolve => setTimeout(resolve, ms))
  const each = DICTIONARIES * (ms / 1_000)
  const found = { statements: statements / each, cpu: (processorTimeOf('postgres') - before) / each }
  for (const { table, dict } of opened) {
    await dict.close()
    await table.close()
  }
  return found
}
