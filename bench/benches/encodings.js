// @ts-check
import { parse, stringify } from 'devalue'
import { RichEncoding } from '../../dist/index.js'
import { compare, repeated } from '../measure.js'
import { compared, judged } from '../rows.js'
import { makeSample } from '../samples.js'

/** Values like those in settings. Created on demand: other benches of the suite measure memory. */
const makeValues = () => ({
  'a boolean': true,
  'a small object': makeSample(20),
  'a list of 1,000 objects': Array.from({ length: 1000 }, (_, index) => makeSample(index)),
})

/**
 * RichEncoding, which writes plain JSON if it can, against the text of devalue for every value. devalue
 * alone refuses less than RichEncoding, and so does less.
 * @type {import('../types.js').Bench}
 */
export async function encodings(context) {
  const rounds = context.quick ? 5 : 41
  const rows = []
  for (const [name, value] of Object.entries(makeValues())) {
    const calls = (Array.isArray(value) ? 20 : 20_000) / (context.quick ? 10 : 1)
    rows.push(...(await rowsOf(name, value, calls, rounds)))
  }
  return rows
}

/** @param {string} name @param {unknown} value @param {number} calls @param {number} rounds */
async function rowsOf(name, value, calls, rounds) {
  const rich = new RichEncoding()
  const [plain, tagged] = [rich.encode(value), stringify(value)]
  const encode = { ours: run(calls, () => rich.encode(value)), base: run(calls, () => stringify(value)), rounds }
  const decode = { ours: run(calls, () => rich.decode(plain)), base: run(calls, () => parse(tagged)), rounds }
  const size = plain.length / `rich:${tagged}`.length
  return [
    compared(`encode ${name}`, 'devalue.stringify', await compare(encode), { atMost: 1 }),
    compared(`decode ${name}`, 'devalue.parse', await compare(decode), { atMost: 1 }),
    judged({
      name: `size of ${name}, as a share of the tagged form`,
      ours: { value: 100 * size, unit: '%' },
      target: { atMost: 100 },
    }),
  ]
}

/** @param {number} calls @param {() => unknown} work */
function run(calls, work) {
  return repeated(calls, () => {
    let done = 0
    for (let call = 0; call < calls; call += 1) if (work() !== undefined) done += 1
    return done
  })
}
