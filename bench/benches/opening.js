// @ts-check
import { collect, compare, sink } from '../measure.js'
import { compared } from '../rows.js'

/** Opening a dictionary against reading the rows into a map, undecoded. @type {import('../types.js').Bench} */
export async function opening(context) {
  const size = context.quick ? 5_000 : 100_000
  const place = await context.place(size)
  const measured = await compare({
    ours: () =>
      timed(async () => {
        const dict = await place.open()
        return { count: dict.local.size, close: () => dict.close() }
      }),
    base: () =>
      timed(async () => {
        const plain = await place.openPlain()
        return { count: (await plain.readAll()).size, close: () => plain.close() }
      }),
    rounds: context.quick ? 5 : 21,
  })
  const name = `open, ${size.toLocaleString('en')} entries`
  return [compared(name, 'opening, and reading the rows into a Map, undecoded', measured, { atMost: 1.5 })]
}

/**
 * The time of opening alone, without garbage of the previous round and without closing.
 * @param {() => Promise<{ count: number, close(): unknown }>} open
 */
async function timed(open) {
  collect()
  const started = performance.now()
  const { count, close } = await open()
  const elapsed = performance.now() - started
  sink(count)
  await close()
  return elapsed * 1e6
}
