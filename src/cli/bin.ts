#!/usr/bin/env node
import { constants, hostname, userInfo } from 'node:os'
import { setTimeout } from '../time/clock.js'
import { EXIT } from './exit-codes.js'
import { printableLines } from './output/printable.js'
import { run } from './run.js'
import { withoutCredentials } from './targets/credentials.js'
import type { Output, Terminal } from './terminal.js'

/** The longest time that a timer can have, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1

/** Ends the command: by Ctrl-C, and when nobody reads its output any more. */
const ending = new AbortController()

/** Whether the reader of the output has gone, as `| head` does. */
let unread = false

function outputTo(stream: NodeJS.WriteStream): Output {
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    unread = true
    ending.abort()
  })
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns
    },
    write: text =>
      new Promise<void>(resolve => {
        // The callback comes with an error as well: what follows ends by the signal.
        stream.write(text, () => resolve())
      }),
  }
}

function author(): string {
  return `${login()}@${hostname()}`
}

/** A container may run as a user that has no name. */
function login(): string {
  try {
    return userInfo().username
  } catch {
    return process.env.USER ?? `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Only the library's own warnings are for the users of the command. */
function showWarnings(stderr: Output): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name === 'DurableDictWarning') void stderr.write(`${printableLines(`durabledict: ${cleaned(message)}`)}\n`)
  })
}

function cleaned(message: string): string {
  return withoutCredentials(message, [...process.argv, process.env.DURABLEDICT_URL])
}

async function main(): Promise<void> {
  const stderr = outputTo(process.stderr)
  const terminal: Terminal = {
    env: process.env,
    folder: process.cwd(),
    stdin: Object.assign(process.stdin, { isTTY: process.stdin.isTTY === true }),
    stdout: outputTo(process.stdout),
    stderr,
    signal: ending.signal,
    author: author(),
  }
  showWarnings(stderr)
  let interrupted = EXIT.interrupted as number
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = 128 + constants.signals[signal]
      ending.abort()
      // A second one ends a command that waits for the outcome of a change.
      process.once(signal, () => process.exit(interrupted))
    })
  }
  // The library's own timers and connections do not keep a process alive.
  setTimeout(() => {}, LONGEST)
  const exitCode = await run(process.argv.slice(2), terminal)
  // What the configuration opened for itself, such as a client, must not keep the command running.
  process.exit(exitCode === EXIT.interrupted ? (unread ? EXIT.ok : interrupted) : exitCode)
}

await main()
