// @ts-check
// Everything that has to hold, in one command, on a clone with nothing installed. Uses nothing that is not part of Node
// until the dependencies are there.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { count, summary } from './count.js'
import { install } from './install.js'
import { installed, root, run } from './run.js'

const report = join(root, '.cache', 'tests.json')
const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} alone the command that runs this step by itself
 * @property {() => Promise<{ code: number, output: string }>} run
 * @property {boolean} [vital] nothing after it makes sense where it fails
 */

/** @param {string} name @param {string} script @param {boolean} [vital] @returns {Step} */
const step = (name, script, vital = false) => ({
  name,
  alone: `npm run ${script}`,
  run: () => run('npm', ['run', '--silent', script]),
  vital,
})

/** @type {Step[]} */
const steps = [
  { name: 'install', alone: 'npm ci', run: () => install().then(done, failed), vital: true },
  step('build', 'build', true),
  step('lint', 'lint'),
  step('types', 'check:types'),
  step('type tests', 'test:types'),
  { name: 'tests', alone: 'npm run test:unit', run: () => run(installed('vitest'), vitest, { stdio: 'inherit' }) },
  step('package', 'check:package'),
  step('dead code', 'check:dead'),
]

function done() {
  return { code: 0, output: '' }
}

/** @param {Error} error */
function failed(error) {
  return { code: 1, output: error.message }
}

/** Runs one step and prints its line; whether it passed. @param {Step} step */
async function perform(step) {
  const started = performance.now()
  const { code, output } = await step.run().catch(failed)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (code !== 0 && output !== '') console.log(output.trimEnd())
  const verdict = code === 0 ? 'ok    ' : 'FAILED'
  const hint = code === 0 ? '' : `   alone: ${step.alone}`
  console.log(`${verdict} ${step.name.padEnd(10)} ${seconds.padStart(6)} s${hint}`)
  return code === 0
}

/** Performs the steps, up to the first vital one that fails; gives those that failed. */
async function performAll() {
  const broken = []
  for (const step of steps) {
    if (await perform(step)) continue
    broken.push(step)
    if (step.vital) break
  }
  return broken
}

// Interrupted, it takes the running step along: at exit, what was started is ended.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

await rm(report, { force: true })
const broken = await performAll()
const counts = await count(report).catch(() => ({ passed: 0, failed: 0, skipped: 0 }))
const ranNone = counts.passed + counts.failed === 0
if (ranNone) console.log('No test was executed.')
if (broken.length > 0) console.log(`Failed: ${broken.map(step => `${step.name} (${step.alone})`).join(', ')}`)
process.exitCode = broken.length > 0 || counts.failed > 0 || ranNone ? 1 : 0
console.log(summary(counts))
