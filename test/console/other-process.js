// @ts-check
// A second process that shares the dictionaries of the browser tests. It does what the test sends, and answers when it is done.
import { RedisDict, SqliteDict } from 'durabledict'
import { createClient } from 'redis'

const [file = '', url = ''] = process.argv.slice(2)
const options = { live: true, maxStaleness: 60_000, service: 'web' }
const client = await createClient({ url }).connect()
const dictionaries = {
  sqlite: await SqliteDict.open('settings', file, options),
  redis: await RedisDict.open('settings', client, options),
}

process.on(
  'message',
  async (/** @type {{ store: 'sqlite' | 'redis', key: string, value: unknown, by: string }} */ message) => {
    const { store, key, value, by } = message
    await dictionaries[store].set(key, value, { by })
    process.send?.('done')
  },
)
process.on('disconnect', () => process.exit())
process.send?.('ready')
