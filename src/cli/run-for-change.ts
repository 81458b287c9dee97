import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { usage } from './failure.js'
import { jsonOf, type ShownChange } from './shown-change.js'
import { inJson } from './values/value-text.js'
import type { Call } from './verb.js'

/** A longer value is on the standard input only: systems limit the size of the environment. */
const MAX_VARIABLE = 64 * 1024

/** Runs the command of `watch` for a change, and waits for its end. A command that fails does not end the watch. */
export async function runFor({ command, terminal, screen }: Call, change: ShownChange): Promise<void> {
  const [program = '', ...args] = command
  const env = { ...terminal.env, ...variables(change) }
  const child = spawn(program, args, { env, cwd: terminal.folder, stdio: ['pipe', 'inherit', 'inherit'] })
  // A command need not read its input.
  child.stdin.on('error', () => {})
  child.stdin.end(`${jsonOf(change)}\n`)
  const [code, signal] = await once(child, 'close').catch((cause: Error) => {
    throw usage(`The command cannot be run: ${cause.message}`, cause)
  })
  if (code !== 0)
    await screen.note(
      `The command ended with ${signal === null ? `exit code ${code}` : signal} for key ${JSON.stringify(change.key)}.`,
    )
}

function variables({ key, before, after, said }: ShownChange): Record<string, string> {
  const json = (text: string | undefined) => (text === undefined ? undefined : inJson(text))
  const all = {
    DURABLEDICT_KEY: key,
    DURABLEDICT_VALUE: json(after),
    DURABLEDICT_PREVIOUS: json(before),
    DURABLEDICT_VERSION: `${said.version}`,
    DURABLEDICT_BY: said.by,
    DURABLEDICT_REASON: said.reason,
  }
  return Object.fromEntries(Object.entries(all).flatMap(([name, text]) => (fits(text) ? [[name, text]] : [])))
}

/** The environment cannot hold NUL. */
function fits(text: string | undefined): text is string {
  return text !== undefined && text.length <= MAX_VARIABLE && !text.includes('\0')
}
