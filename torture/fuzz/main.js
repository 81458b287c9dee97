// @ts-check
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare } from '../../scripts/prepare.js'
import { root } from '../../scripts/run.js'

const OPTIONS = /** @type {const} */ ({
  minutes: { type: 'string' },
  seed: { type: 'string' },
  store: { type: 'string' },
  controls: { type: 'boolean' },
  damage: { type: 'boolean' },
})

/** How many programs run at the same time: most of a program's time is waiting. */
const AT_ONCE = 4

/** Runs the fuzzing and returns the exit status: 0 only if no program failed. @param {string[]} args of the command line */
export async function main(args) {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { store = 'memory', minutes = '1', seed = `${Math.floor(Math.random() * 1e9)}` } = values
  await prepare({ build: true })
  // Imported late: its dependencies may have to be installed first.
  const { STORES } = await import('./stores.js')
  if (values.damage) return spoilRecords(store, Number(minutes) * 60_000, seed)
  if (!(store in STORES)) throw new Error(`--store must be one of ${Object.keys(STORES).join(', ')}; got ${store}.`)
  return values.controls ? showControls(store) : search(store, Number(minutes) * 60_000, Number(seed))
}

/** @param {string} store @param {number} ms @param {number} seed */
async function search(store, ms, seed) {
  const { fuzz } = await import('./fuzz.js')
  const start = performance.now()
  const dist = join(root, 'dist')
  const lanes = Array.from({ length: AT_ONCE }, (_, lane) => fuzz({ dist, store, ms, seed: seed + lane }))
  const found = await Promise.all(lanes)
  const runs = found.reduce((sum, one) => sum + one.runs, 0)
  console.log(`${runs} programs on ${store} in ${Math.round((performance.now() - start) / 1_000)} s, seed ${seed}`)
  for (const { failure, seed } of found) {
    if (failure)
      console.log(`\nThis program fails. Repeat it with: npm run fuzz -- --store ${store} --seed ${seed}\n\n${failure}`)
  }
  return found.some(({ failure }) => failure) ? 1 : 0
}

/** @param {string} store @param {number} ms @param {string} seed */
async function spoilRecords(store, ms, seed) {
  const [{ damage }, { DAMAGEABLE }] = await Promise.all([import('./damage/damage.js'), import('./damage/stores.js')])
  const start = DAMAGEABLE[store]
  if (!start)
    throw new Error(`With --damage, --store must be one of ${Object.keys(DAMAGEABLE).join(', ')}; got ${store}.`)
  const { rounds, compared, failure } = await damage(await start(join(root, 'dist')), { ms, seed })
  console.log(
    `${rounds} damaged stores (${store}), memory compared in ${compared}, seed ${seed}${failure ? `\n\n${failure}` : ''}`,
  )
  return failure ? 1 : 0
}

/** @param {string} store */
async function showControls(store) {
  const { CONTROLS, perform } = await import('./controls.js')
  let status = 0
  for (const control of CONTROLS) {
    const outcome = await perform(control, store).catch(() => undefined)
    if (!outcome) status = 1
    const caught = outcome ? `${(outcome.ms / 1_000).toFixed(1)} s`.padStart(8) : 'NOT CAUGHT'
    console.log(`${caught}  ${control.rule}`)
  }
  return status
}
