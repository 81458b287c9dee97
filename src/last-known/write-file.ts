import { quoted } from '../errors/quoted.js'
import { builtin } from '../process/builtin.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { footOf, type Head, headOf, lineOf, MAGIC, readHead, Unusable } from './document.js'
import { MAX_SIZE } from './read-file.js'

/** Readable and writable only by the owner: the file contains values. */
const PRIVATE = 0o600

/** How much is written in one turn of the event loop: entries, and characters of text. */
const SLICE = { entries: 256, length: 32 * 1024 }

/** The first line is shorter, in bytes. */
const HEAD_SIZE = 16 * 1024

/** A temporary file that was last written this long ago is that of a process that was killed, in ms. */
const ABANDONED = 60_000

/** How the name of a temporary file ends. */
const TEMPORARY = /^[0-9a-f-]{36}\.tmp$/

/** What is written. */
export interface Content extends Head {
  readonly state: Pick<FrozenState, 'walk' | 'stored'>
}

/**
 * Replaces the file atomically and durably: a reader finds the old or the new file, at any moment and after any crash. Other processes
 * may do the same at the same time. Writes in slices, so that other work continues meanwhile.
 *
 * A file of the same dictionary that is more recent stays.
 *
 * @throws Unusable if the file is not of this dictionary; else the error of the system. Nothing has changed then.
 */
export async function replaceFile(path: string, content: Content): Promise<void> {
  const target = await resolveLinks(path)
  const earlier = turns.get(target)
  const turn = (earlier ?? Promise.resolve()).catch(nothing).then(() => replaceInTurn(target, content))
  turns.set(target, turn)
  try {
    await turn
  } finally {
    if (turns.get(target) === turn) turns.delete(target)
  }
}

/** The latest write of each file by this process: of two at the same time, the older state could otherwise win. */
const turns = new Map<string, Promise<void>>()

async function replaceInTurn(target: string, content: Content): Promise<void> {
  const { promises } = builtin.fs
  if (await isMoreRecent(target, content)) return
  const temporary = `${target}.${builtin.crypto.randomUUID()}.tmp`
  try {
    await writeAll(temporary, content)
    // Another process may have been faster.
    if (await isMoreRecent(target, content)) return await promises.unlink(temporary)
    await promises.rename(temporary, target)
  } catch (error) {
    await promises.unlink(temporary).catch(nothing)
    throw error
  }
  await flushFolder(builtin.path.dirname(target))
}

/** Removes temporary files of processes that were killed. */
export async function removeAbandoned(path: string): Promise<void> {
  const { promises } = builtin.fs
  const target = await resolveLinks(path)
  const { basename, dirname, join } = builtin.path
  const prefix = `${basename(target)}.`
  for (const name of await promises.readdir(dirname(target))) {
    if (!name.startsWith(prefix) || !TEMPORARY.test(name.slice(prefix.length))) continue
    const other = join(dirname(target), name)
    const { mtimeMs = Number.POSITIVE_INFINITY } = await promises.stat(other).catch(nothing)
    if (Date.now() - mtimeMs > ABANDONED) await promises.unlink(other).catch(nothing)
  }
}

/** Another process may have been faster. */
function nothing(): { mtimeMs?: number } {
  return {}
}

/** A link stays a link, and what it refers to is replaced. */
async function resolveLinks(path: string): Promise<string> {
  return builtin.fs.promises.realpath(path).catch(() => path)
}

/** @throws Unusable if it is the file of something else. */
async function isMoreRecent(target: string, { name, at }: Head): Promise<boolean> {
  const start = await firstBytes(target)
  if (start === '') return false
  if (!start.startsWith(MAGIC)) throw new Unusable('It contains something else, and is not overwritten.')
  const other = readHead(start)
  if (!other) return false
  if (other.name !== name)
    throw new Unusable(`It is the file of dictionary ${quoted(other.name)}, and is not overwritten.`)
  return other.at > at && other.at <= Date.now()
}

/** Returns the beginning of a file; nothing if there is none. */
async function firstBytes(target: string): Promise<string> {
  const { promises } = builtin.fs
  const stat = await promises.stat(target).catch(() => undefined)
  if (!stat) return ''
  if (!stat.isFile()) throw new Unusable('It is not a file.')
  const handle = await promises.open(target, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_SIZE), 0, HEAD_SIZE, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function writeAll(temporary: string, { state, ...head }: Content): Promise<void> {
  const handle = await builtin.fs.promises.open(temporary, 'wx', PRIVATE)
  try {
    const hash = builtin.crypto.createHash('sha256')
    let size = 0
    for (const slice of slices(head, state)) {
      const bytes = Buffer.from(slice)
      size += bytes.length
      if (size > MAX_SIZE)
        throw new Unusable(`The entries take more than ${MAX_SIZE / 2 ** 20} MiB, so that they are not kept in a file.`)
      hash.update(bytes)
      await handle.writeFile(bytes)
    }
    await handle.writeFile(footOf(hash.digest('hex')))
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Yields the text before the checksum in pieces. The state is fixed, whatever happens to memory between them. */
function* slices(head: Head, state: Content['state']): Generator<string> {
  let text = headOf(head)
  let count = 0
  let isFirst = true
  for (const key of state.walk()) {
    text += lineOf(key, state.stored(key), isFirst)
    isFirst = false
    count += 1
    if (count < SLICE.entries && text.length < SLICE.length) continue
    yield text
    text = ''
    count = 0
  }
  yield text
}

/** The new name is on the disk when this has been flushed. Not every system can do that. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await builtin.fs.promises.open(folder, 'r').catch(() => undefined)
  try {
    await handle?.sync().catch(() => {})
  } finally {
    await handle?.close()
  }
}
