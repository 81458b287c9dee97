// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKeys } from '../../samples.js'
import { withEachClient } from './clients.js'
import { makeDict } from './server.js'

/** Loading everything, against reading every znode by a bare client. @type {import('../../types.js').Bench} */
export async function opening({ quick }) {
  const count = quick ? 1_000 : 10_000
  const { address, path } = await makeDict(count)
  const keys = makeKeys(count)
  return withEachClient(address, async client => {
    const measured = await compare({
      ours: repeated(1, async () => {
        const dict = await client.open(path)
        await dict.close()
        return count
      }),
      base: repeated(
        1,
        async () => (await Promise.all(keys.map(key => client.getData(`${path}/${key}`, false)))).length,
      ),
      rounds: quick ? 2 : 21,
      warmUp: 1,
    })
    const title = `open and close, ${count.toLocaleString('en')} entries (${client.name})`
    return [compared(title, 'as many bare getData, all at once', measured)]
  })
}
