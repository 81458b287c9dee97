// @ts-check
// Everything that has to hold, in one command, on a clone with nothing installed; or one lane of it, as in
// `node scripts/test.js redis`. What follows a lane's name is passed on to Vitest. Uses nothing that is not part of Node
// until the dependencies are there.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { count, summary } from './count.js'
import { failureOf, failuresIn, listed } from './failures.js'
import { install } from './install.js'
import { LANES } from './lanes.js'
import { installed, root, run } from './run.js'

const [lane = 'all', ...further] = process.argv.slice(2)
const report = join(root, '.cache', 'tests.json')
const failures = join(root, '.cache', 'failures.json')
const reporters = ['default', 'json', './scripts/lane-reporter.js', './scripts/failures-reporter.js']

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} alone the command that runs only this step
 * @property {() => Promise<{ code: number, output: string }>} run
 * @property {boolean} [vital] whether its failure makes the following steps meaningless
 */

/** @param {string} name @param {string} script @param {boolean} [vital] @param {string[]} [args] @returns {Step} */
const step = (name, script, vital = false, args = []) => ({
  name,
  alone: ['npm run', script, ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
  run: () => run('npm', ['run', '--silent', script, '--', ...args]),
  vital,
})

/** @param {readonly string[]} projects @param {NodeJS.ProcessEnv} [env] @returns {Step} */
const tests = (projects, env = process.env) => ({
  name: 'tests',
  alone: 'npm run test:unit',
  run() {
    const args = [...projects.map(name => `--project=${name}`), ...reporters.map(name => `--reporter=${name}`)]
    return run(installed('vitest'), ['run', ...args, `--outputFile.json=${report}`, ...further], {
      stdio: 'inherit',
      env: { ...env, TEST_BUILT: 'yes', FAILURES_FILE: failures },
    })
  },
})

/** @type {Step[][]} */
const READY = [
  [{ name: 'install', alone: 'npm ci', run: () => install().then(done, failed), vital: true }],
  [step('build', 'build', true)],
]
// The types of the whole source, and with it the type tests.
const SOURCE = [step('lint', 'lint'), step('types', 'check:types')]
const PACKAGE = [step('package', 'check:package'), step('dead code', 'check:dead')]

/** The steps of a lane, one group after the other. Those of a group run at the same time. @param {string} lane @returns {Step[][]} */
function stepsOf(lane) {
  // Beside the tests, most of which wait.
  if (lane === 'all') return [...READY, [...SOURCE, ...PACKAGE, tests([])]]
  if (lane === 'long')
    return [
      ...READY,
      [tests([], { ...process.env, TEST_FORM: 'long' })],
      [step('torture', 'torture', false, ['--minutes', '10'])],
    ]
  if (lane === 'quick') return [...READY, [...SOURCE, tests(['quick'])]]
  if (lane in LANES) return [...READY, [tests([lane])]]
  throw new Error(`Unknown lane "${lane}"; the lanes are ${Object.keys(LANES).join(', ')}, long and all.`)
}

function done() {
  return { code: 0, output: '' }
}

/** @param {Error} error */
function failed(error) {
  return { code: 1, output: error.message }
}

/** Runs one step and prints its line; returns its output if it failed. @param {Step} step */
async function perform(step) {
  const started = performance.now()
  const { code, output } = await step.run().catch(failed)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (code !== 0 && output !== '') console.log(output.trimEnd())
  const verdict = code === 0 ? 'ok    ' : 'FAILED'
  const hint = code === 0 ? '' : `   alone: ${step.alone}`
  console.log(`${verdict} ${step.name.padEnd(10)} ${seconds.padStart(6)} s${hint}`)
  return code === 0 ? undefined : output
}

/** Runs the steps, up to the first vital one that fails; returns those that failed, with their output. */
async function performAll() {
  const broken = []
  for (const steps of stepsOf(lane)) {
    const outputs = await Promise.all(steps.map(perform))
    for (const [index, output] of outputs.entries())
      if (output !== undefined) broken.push({ .../** @type {Step} */ (steps[index]), output })
    if (broken.some(step => step.vital)) break
  }
  return broken
}

// An interrupt also ends the running step: everything started is ended at exit.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

await Promise.all([report, failures].map(path => rm(path, { force: true })))
const broken = await performAll()
const counts = await count(report).catch(() => ({ passed: 0, failed: 0, skipped: 0 }))
const ranNone = counts.passed + counts.failed === 0
if (ranNone) console.log('No test was executed.')
const ofSteps = broken.filter(({ output }) => output !== '').map(({ name, output }) => failureOf(name, output))
for (const line of listed([...(await failuresIn(failures)), ...ofSteps])) console.log(line)
if (broken.length > 0) console.log(`Failed: ${broken.map(step => `${step.name} (${step.alone})`).join(', ')}`)
process.exitCode = broken.length > 0 || counts.failed > 0 || ranNone ? 1 : 0
console.log(summary(counts))
