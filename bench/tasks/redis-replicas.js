// @ts-check
// A process with live replicas: so many clients, each with so many dictionaries. Arguments: URL, clients, bound in ms or '', names.
import { CLIENTS } from '../benches/redis/clients.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [url = '', clients = '', bound = '', ...names] = process.argv.slice(2)
const options = { live: true, autosync: false, ...(bound !== '' && { maxStaleness: Number(bound) }) }
for (let count = 0; count < Number(clients); count += 1) {
  const client = await CLIENTS['node-redis']?.(url)
  for (const name of names) await client?.open(name, options)
}
process.send?.({ ready: true })
