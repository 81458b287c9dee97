// @ts-check
// Runs the quick lane by newer Node.js versions, Bun and Deno: `npm run test:runtimes`, or `npm run test:runtimes -- bun`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeBinary } from '../test/consumers/runtime-binary.js'
import { count, summary } from './count.js'
import { modernNode } from './modern-node.js'
import { root, run } from './run.js'

/** How each runtime starts a program. @type {Readonly<Record<string, () => Promise<readonly string[]>>>} */
const RUNTIMES = {
  'node-22': async () => [await modernNode(22)],
  'node-24': async () => [await modernNode(24)],
  bun: async () => [await runtimeBinary('bun'), '--bun'],
  deno: async () => [await runtimeBinary('deno'), 'run', '-A'],
}

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

/** Prints a line, and what a failed run printed; returns whether all passed. @param {string} name */
async function passes(name) {
  const [program = '', ...args] = (await RUNTIMES[name]?.()) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-runtime-'))
  try {
    const report = join(folder, 'report.json')
    const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
    const env = { ...process.env, TEST_BUILT: 'yes' }
    const { code, output } = await run(program, [...args, vitest, 'run', '--project=quick', ...reporters], {
      env,
    })
    const counts = await count(report).catch(() => ({ passed: 0, failed: 0, skipped: 0 }))
    const passed = code === 0 && counts.passed > 0
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${summary(counts)}`)
    if (!passed) console.log(output.trimEnd())
    return passed
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => !(name in RUNTIMES))
if (unknown !== undefined)
  throw new Error(`Unknown runtime "${unknown}"; they are ${Object.keys(RUNTIMES).join(', ')}.`)
for (const name of wanted.length > 0 ? wanted : Object.keys(RUNTIMES)) if (!(await passes(name))) process.exitCode = 1
