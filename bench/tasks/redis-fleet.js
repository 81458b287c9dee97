// @ts-check
// A process that holds many live dictionaries, each over connections of its own, as many bare subscriptions, and as many subscribers that
// parse each message.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createClient } from 'redis'
import { CLIENTS } from '../benches/redis/clients.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [url = '', name = '', replicas = ''] = process.argv.slice(2)
for (let count = 0; count < Number(replicas); count += 1) {
  await (await CLIENTS['node-redis']?.(url))?.open(name, { live: true, autosync: false })
  const socket = connect(Number(new URL(url).port), new URL(url).hostname)
  socket.write('SUBSCRIBE bench\r\n')
  await once(socket, 'data')
  socket.resume()
  const subscriber = await createClient({ url }).connect()
  await subscriber.subscribe('parsed', text => JSON.parse(text))
}
process.send?.({ ready: true })
