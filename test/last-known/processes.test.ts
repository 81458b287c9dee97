import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from '../../src/last-known/document.js'
import { replaceFile } from '../../src/last-known/write-file.js'
import { ON_NODE } from '../runtime.js'
import { folder } from './matrix.js'

const WRITER = fileURLToPath(new URL('killed-writer.js', import.meta.url))
const EXITING = fileURLToPath(new URL('exiting.js', import.meta.url))
const run = promisify(execFile)

/** A complete file of generation 0. */
async function oldFile(): Promise<string> {
  const file = join(await folder(), 'last.json')
  await replaceFile(file, { name: 'settings', encoding: 'RichEncoding', at: 0, state: oldState })
  return file
}

const oldState = {
  *walk() {
    for (let n = 0; n < 1_000; n += 1) yield `key ${n}`
  },
  stored: () => '"generation 0"',
}

/** The one generation of all entries. */
async function generationOf(file: string): Promise<number> {
  const { entries } = parse(await readFile(file))
  const [value, ...others] = new Set(entries.values())
  expect([entries.size, others]).toEqual([1_000, []])
  return Number(/\d+/.exec(String(value))?.[0])
}

test('a process that is killed at any step leaves the old file or the new one', async () => {
  const size = (await readFile(await oldFile())).length
  const bytes = [0, 1, 100, size / 2, size - 100].map(count => ['bytes', `${Math.floor(count)}`])
  const steps = [['before open'], ['after open'], ...bytes, ['before sync'], ['after sync'], ['after rename']]
  const killed = steps.map(async ([step = '', count = '']) => {
    const file = await oldFile()
    const { signal } = await run(process.execPath, [WRITER, file, step, count]).catch(error => error)
    expect(signal, step).toBe('SIGKILL')
    expect(await generationOf(file), `${step} ${count}`).toBe(step === 'after rename' ? 1 : 0)
  })
  await Promise.all(killed)
})

test('processes that write the same file and are killed at any moment leave a complete file', async () => {
  const file = await oldFile()
  const writers = await Promise.all([0, 1, 2].map(() => looping(file)))
  for (const writer of writers) {
    await delay(20 + Math.random() * 50)
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    expect(await generationOf(file)).toBeGreaterThan(0)
  }
})

/** A process that replaces the file again and again. */
async function looping(file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [WRITER, file, 'loop'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test.skipIf(!ON_NODE)('a full disk leaves the old file, and no part of the new one', async () => {
  const file = await oldFile()
  // No file may grow beyond 4 KiB, which the system reports like a full disk.
  const writing = run('sh', ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, WRITER, file, 'full'])
  await expect(writing).rejects.toThrow('EFBIG')
  expect(await generationOf(file)).toBe(0)
  expect(await readdir(join(file, '..'))).toEqual(['last.json'])
})

test('a process that started without its store can end without close()', async () => {
  const file = join(await folder(), 'last.json')
  const state = {
    *walk() {
      yield 'theme'
    },
    stored: () => '"dark"',
  }
  await replaceFile(file, { name: 'settings', encoding: 'RichEncoding', at: Date.now(), state })
  const { stdout } = await run(process.execPath, [EXITING, 'redis://127.0.0.1:1', file])
  expect(stdout).toBe('last-known dark\n')
})
