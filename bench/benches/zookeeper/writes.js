// @ts-check
import { RichEncoding } from '../../../dist/index.js'
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { withEachClient } from './clients.js'
import { makeDict } from './server.js'

const KEYS = 1_000
const OVERLAPPING = 100

/** The cost of a write, alone and among others. @type {import('../../types.js').Bench} */
export async function writes({ quick }) {
  const { address, path } = await makeDict(KEYS)
  const bare = await makeDict(1)
  const encoding = new RichEncoding()
  return withEachClient(address, async client => {
    const dict = await client.open(path, { autosync: false })
    const [rounds, warmUp] = quick ? [5, 1] : [301, 30]
    let written = 0
    const next = () => {
      written += 1
      return dict.set(makeKey(written % KEYS), makeSample(written))
    }
    const plain = () => {
      written += 1
      return client.setData(`${bare.path}/${makeKey(0)}`, Buffer.from(encoding.encode(makeSample(written))))
    }
    // Several of each in a row: a single one would pay for what the other side left behind, also in the server.
    const some = quick ? 5 : 10
    const one = await compare({ ours: inSequence(some, next), base: inSequence(some, plain), rounds, warmUp })
    const many = await compare({
      ours: repeated(OVERLAPPING, async () => (await Promise.all(Array.from({ length: OVERLAPPING }, next))).length),
      base: inSequence(OVERLAPPING, next),
      rounds: quick ? 3 : 61,
      of: 'speed',
    })
    await dict.close()
    return [
      compared(`set (${client.name})`, 'one bare setData', one, { atMost: 1.5 }),
      compared(`${OVERLAPPING} overlapping sets (${client.name})`, 'the same, one by one', many, { atLeast: 10 }),
    ]
  })
}

/** @param {number} count @param {() => Promise<unknown>} work */
function inSequence(count, work) {
  return repeated(count, async () => {
    for (let index = 0; index < count; index += 1) await work()
    return count
  })
}
