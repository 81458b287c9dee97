import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { modernNode } from '../../scripts/modern-node.js'
import { findServer } from '../servers/find.js'
import { folders } from './folder.js'

const fileIn = folders()
const WRITER = fileURLToPath(new URL('traced-writer.js', import.meta.url))
const WRITES = 5
const ACKNOWLEDGED = /acknowledged \d/

/** Not a server, but found and installed like one. */
const strace = {
  name: 'strace',
  variable: 'STRACE_URL',
  binaries: ['strace'],
  packages: ['strace'],
  command: () => [],
  url: () => '',
}

/**
 * The trace of the writing thread of a process; each acknowledgement leaves a mark in it. Each thread has a file of its
 * own: in a common one, a call of one thread may interrupt the line of another's.
 */
async function trace(binary: string, node: string, file: string, how: string): Promise<string[]> {
  const output = join(dirname(file), 'trace')
  const calls = 'trace=write,pwrite64,fsync,fdatasync'
  const args = ['-ff', '-y', '-s', '64', '-e', calls, '-o', output, node, WRITER, file, String(WRITES), how]
  const traced = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let printed = ''
  traced.stderr.setEncoding('utf8').on('data', text => {
    printed += text
  })
  const [code] = await once(traced, 'close')
  if (code !== 0) throw new Error(`strace: ${printed}`)
  const names = (await readdir(dirname(file))).filter(name => name.startsWith('trace.'))
  const traces = await Promise.all(names.map(name => readFile(join(dirname(file), name), 'utf8')))
  return traces.find(text => ACKNOWLEDGED.test(text))?.split('\n') ?? []
}

/** Whether the last writes to the journal were synced before the end of these calls. */
function isSynced(calls: readonly string[]): boolean {
  const written = calls.findLastIndex(call => /\bpwrite64\(\d+<[^>]*-wal>/.test(call))
  const synced = calls.findLastIndex(call => /\b(fsync|fdatasync)\(\d+<[^>]*-wal>\).* = 0$/.test(call))
  return written >= 0 && synced > written
}

/** The calls before each mark, since the previous one. */
function between(lines: readonly string[]): string[][] {
  const parts: string[][] = [[]]
  for (const line of lines) {
    if (ACKNOWLEDGED.test(line)) parts.push([])
    else parts.at(-1)?.push(line)
  }
  return parts.slice(0, -1)
}

describe.skipIf(process.platform !== 'linux')('An acknowledged write', { timeout: 300_000 }, () => {
  it.each([
    [20, 'libsql', 'path'],
    [24, 'node:sqlite', 'path'],
    [20, 'libsql', 'handle'],
    [24, 'node:sqlite', 'handle'],
  ] as const)('is on the disk: Node %i, %s, by %s', async (major, _engine, how) => {
    const found = await findServer(strace)
    if (found.source !== 'binary') throw new Error('strace is a program.')
    const lines = await trace(found.binary, await modernNode(major), await fileIn(), how)
    const writes = between(lines)
    expect(writes).toHaveLength(WRITES)
    expect(writes.map(isSynced)).toEqual(Array.from({ length: WRITES }, () => true))
  })

  it('would fail this test if SQLite did not sync', async () => {
    const found = await findServer(strace)
    if (found.source !== 'binary') throw new Error('strace is a program.')
    const lines = await trace(found.binary, process.execPath, await fileIn(), 'unsafe')
    const writes = between(lines)
    expect(writes).toHaveLength(WRITES)
    expect(writes.map(isSynced)).toContain(false)
  })
})
