// @ts-check
// npm run demo:record: plays the demo, and draws what it prints, at the pace at which it prints it, as docs/demo.svg.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { prepare } from '../scripts/prepare.js'
import { drawn } from './drawn.js'

/** @typedef {import('./drawn.js').Line} Line */

const TARGET = fileURLToPath(new URL('../docs/demo.svg', import.meta.url))

/** Every line that the demo prints, with its time. @returns {Promise<Line[]>} */
async function recorded() {
  const script = fileURLToPath(new URL('./run.js', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const lines = []
  const began = performance.now()
  for await (const text of createInterface({ input: child.stdout })) lines.push({ at: performance.now() - began, text })
  const [status] = await exit
  if (status !== 0) throw new Error(`The demo ended with status ${status}; nothing was recorded.`)
  return lines
}

await prepare({ build: true })
const lines = await recorded()
await writeFile(TARGET, drawn('npm run demo', lines))
console.log(`${TARGET}: ${lines.length} lines`)
