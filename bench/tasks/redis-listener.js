// @ts-check
// A process that holds a live dictionary and is subscribed to a bare channel by the same client; says when it saw what.
import { Redis } from 'ioredis'
import { CLIENTS } from '../benches/redis/clients.js'
import { connect } from '../benches/redis/server.js'
import { makeKey } from '../samples.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [kind = '', url = '', name = ''] = process.argv.slice(2)
const client = await CLIENTS[kind]?.(url)
const dict = await client?.open(name, { live: true })
const key = makeKey(0)

/** The clock of `hrtime` is that of the machine since it was started, which its processes have in common. */
const now = () => `${process.hrtime.bigint()}`

dict?.on('change', () => {
  const at = now()
  process.send?.({ id: dict.local.get(key)?.limit, at })
})

/** @param {string} text */
function hear(text) {
  const at = now()
  process.send?.({ id: Number(text), at })
}

if (kind === 'ioredis') {
  const subscriber = new Redis(url)
  subscriber.on('message', (_channel, text) => hear(text))
  await subscriber.subscribe('bench')
} else {
  await (await connect(url)).subscribe('bench', hear)
}
process.send?.({ ready: true })
