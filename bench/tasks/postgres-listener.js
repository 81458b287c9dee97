// @ts-check
// A process that holds a live dictionary, and listens to a bare channel with the same client; says when it saw what.
import pg from 'pg'
import { clientOf, openDict } from '../benches/postgres/server.js'
import { makeKey } from '../samples.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [url = '', name = ''] = process.argv.slice(2)
const { client } = clientOf('pg', url)
const dict = await openDict(client, name, { live: true })
const key = makeKey(0)

/** The clock of `hrtime` is that of the machine since it was started, which its processes have in common. */
const now = () => `${process.hrtime.bigint()}`

dict.on('change', () => {
  const at = now()
  process.send?.({ id: dict.local.get(key)?.limit, at })
})

const listener = new pg.Client({ connectionString: url })
await listener.connect()
listener.on('notification', ({ payload }) => {
  const at = now()
  process.send?.({ id: Number(payload), at })
})
await listener.query('LISTEN bench')
process.send?.({ ready: true })
