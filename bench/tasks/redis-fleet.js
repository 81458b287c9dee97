// @ts-check
// A process that holds many live dictionaries, each over connections of its own.
import { CLIENTS } from '../benches/redis/clients.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [url = '', name = '', replicas = ''] = process.argv.slice(2)
for (let count = 0; count < Number(replicas); count += 1) {
  await (await CLIENTS['node-redis']?.(url))?.open(name, { live: true, autosync: false })
}
process.send?.({ ready: true })
