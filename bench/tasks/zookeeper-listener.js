// @ts-check
// A process that holds a live dictionary, and watches a bare znode by the same kind of client; says when it saw what.
import { CLIENTS } from '../benches/zookeeper/clients.js'
import { makeKey } from '../samples.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [kind = '', address = '', path = '', znode = ''] = process.argv.slice(2)
const client = await CLIENTS[kind]?.(address)
const dict = await client?.open(path, { live: true })
const key = makeKey(0)

/** The clock of `hrtime` is that of the machine since it was started, which its processes have in common. */
const now = () => `${process.hrtime.bigint()}`

dict?.on('change', () => {
  const at = now()
  process.send?.({ id: dict.local.get(key)?.label, at })
})

/** Reads the znode, and leaves a watch. */
async function read() {
  const data = await client?.getData(znode, true)
  const at = now()
  process.send?.({ id: `${data}`, at })
}

client?.onChange(() => void read())
await read()
process.send?.({ ready: true })
