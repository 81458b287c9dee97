// @ts-check
// A process with a live replica. Arguments: the URL of the server, the bound. Answers each message with what it may read from memory.
import { JSONEncoding, RedisDict } from 'durabledict'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [url = '', bound = ''] = process.argv.slice(2)
const dict = await RedisDict.open('settings', url, { encoding: JSONEncoding, live: true, maxStaleness: Number(bound) })

process.on('message', async () => {
  await dict.sync()
  process.send?.({ fresh: dict.fresh.get('a') })
})
process.send?.('open')
