// @ts-check
import pg from 'pg'
import { createTables } from '../../../dist/index.js'
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { makeTable, openTable } from './server.js'

const KEYS = 1_000
const CHANNEL = 'bench_edits'

/** The cost of triggers: of a write, and until an edit by hand is in live memory. @type {import('../../types.js').Bench} */
export async function edits({ quick }) {
  const [rounds, warmUp] = quick ? [5, 1] : [501, 20]
  const [triggered, plain] = [await openWriter(true), await openWriter(false)]
  const one = await compare({ ours: repeated(1, triggered.set), base: repeated(1, plain.set), rounds, warmUp })
  await plain.close()
  const edit = await compare({
    ours: repeated(1, triggered.edit),
    base: repeated(1, triggered.notify),
    rounds,
    warmUp,
  })
  await triggered.close()
  return [
    compared('set, with triggers', 'the same without triggers', one, { atMost: 1.2 }),
    compared('UPDATE by hand, until live memory has it', 'a bare NOTIFY, until it arrives', edit, { atMost: 2 }),
  ]
}

/** @param {boolean} triggers */
async function openWriter(triggers) {
  const { url, name } = await makeTable(KEYS)
  const table = await openTable(url, name)
  if (triggers) await createTables(table.manager, { triggers: true })
  const dict = await table.open({ autosync: false })
  const connect = async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return client
  }
  const live = triggers
    ? await table.open(/** @type {never} */ ({ autosync: false, live: true, listen: connect, pollEvery: 60_000 }))
    : undefined
  const person = await connect()
  const listener = await connect()
  await listener.query(`LISTEN ${CHANNEL}`)
  let written = 0
  return {
    async set() {
      written += 1
      await dict.set(makeKey(written % KEYS), makeSample(written))
      return 1
    },
    async edit() {
      written += 1
      const seen = new Promise(resolve => {
        const noted = () => {
          live?.off('change', noted)
          resolve(undefined)
        }
        live?.on('change', noted)
      })
      await person.query(`UPDATE ${name} SET value = $2 WHERE key = $1`, [makeKey(0), `${written}`])
      await seen
      return 1
    },
    async notify() {
      const seen = new Promise(resolve => listener.once('notification', resolve))
      await person.query(`SELECT pg_notify('${CHANNEL}', '')`)
      await seen
      return 1
    },
    async close() {
      await live?.close()
      await dict.close()
      await person.end()
      await listener.end()
      await table.close()
    },
  }
}
