import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/cli/run.js'
import type { Terminal } from '../../src/cli/terminal.js'

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly folder?: string
  readonly stdin?: string | AsyncIterable<Uint8Array>
  /** Whether input and outputs are a terminal of this width. */
  readonly columns?: number
  readonly signal?: AbortSignal
  /** Called for each text that the command writes. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** Runs the command line in this process. */
export async function cli(args: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
  const { env = {}, folder = tmpdir(), stdin = '', columns, signal = new AbortController().signal } = surroundings
  const texts = { stdout: '', stderr: '' }
  const output = (stream: 'stdout' | 'stderr') => ({
    isTTY: columns !== undefined,
    columns,
    write: (text: string) => {
      texts[stream] += text
      surroundings.onOutput?.(text, stream)
    },
  })
  const input = typeof stdin === 'string' ? once(stdin) : stdin
  const terminal: Terminal = {
    env,
    folder,
    stdin: Object.assign(input, { isTTY: columns !== undefined }),
    stdout: output('stdout'),
    stderr: output('stderr'),
    signal,
    author: 'ada@desk',
  }
  const code = await run(args, terminal)
  return { code, ...texts }
}

/** A folder that disappears at the end of the test. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'durabledict-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
