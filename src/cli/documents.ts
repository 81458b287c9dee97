import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { KeyChange } from '../contract/history.js'
import { repeatedMember } from '../encodings/repeated-member.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Desk } from './desk.js'
import { usage } from './failure.js'
import { readInput, toText } from './input.js'
import type { Terminal } from './terminal.js'
import type { ReadValue } from './values/value-text.js'

/** What a document of `export` holds. */
export type Contents = ReadonlyMap<string, ReadValue>

/** Reads a document from a file; `-` is the standard input. @throws Failure that does not quote it. */
export async function readDocument(path: string, desk: Desk, terminal: Terminal): Promise<Contents> {
  const text =
    path === '-' ? await readInput(terminal.stdin) : toText(await readBytes(resolve(terminal.folder, path)), 'The file')
  return contentsOf(text, desk)
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw usage(`The file cannot be read: ${(cause as Error).message}`, cause)
  }
}

function contentsOf(text: string, desk: Desk): Contents {
  const document = parsed(text, desk)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw usage('The document must be a JSON object of values by key, as "export" writes it.')
  }
  assertNothingTwice(text)
  return new Map(Object.entries(document).map(([key, member]) => [key, memberOf(key, member, desk)]))
}

function parsed(text: string, desk: Desk): unknown {
  if (text.trim() === '') throw usage('The document is empty. An empty dictionary is {}.')
  try {
    return text.startsWith('rich:') ? undefined : desk.texts.parse(text)
  } catch (cause) {
    throw usage('The document is not JSON. It must be an object of values by key, as "export" writes it.', cause)
  }
}

/** JSON.parse would silently take the last. */
function assertNothingTwice(text: string): void {
  const path = repeatedMember(text)
  if (path === undefined) return
  const [key, member] = [path[0], path.at(-1)].map(name => JSON.stringify(name))
  const what =
    path.length === 1
      ? `The document has key ${key} twice`
      : `The value of key ${key} has ${member} twice in one object`
  throw usage(`${what}. Remove one of them: nothing was read.`)
}

function memberOf(key: string, member: unknown, desk: Desk): ReadValue {
  desk.checkKey(key)
  try {
    return desk.texts.fromMember(member)
  } catch (cause) {
    throw usage(
      `The value of key ${JSON.stringify(key)} cannot be read: its text was damaged, or its class is not known here.`,
      cause,
    )
  }
}

/**
 * What must change so that the dictionary holds the contents.
 *
 * @param prune - whether keys that the contents lack are removed.
 * @throws InvalidValueError if a value that must be written does not match the schema.
 */
export function changesTo(contents: Contents, desk: Desk, state: FrozenState, prune: boolean): KeyChange<unknown>[] {
  const changes: KeyChange<unknown>[] = []
  for (const [key, read] of contents) {
    const before = state.stored(key)
    if (holds(desk, key, before, read)) continue
    changes.push({ key, before, after: read.stored ?? desk.encode(key, read.value) })
  }
  const removed = prune ? state.keys().filter(key => !contents.has(key)) : []
  return [...changes, ...removed.map(key => ({ key, before: state.stored(key) }))]
}

/** Whether the value is the same, however its stored form is written. */
export function holds(desk: Desk, key: string, stored: unknown, read: ReadValue): boolean {
  if (stored === undefined) return false
  if (read.stored !== undefined) return isDeepStrictEqual(stored, read.stored)
  try {
    return isDeepStrictEqual(desk.decode(key, stored), read.value)
  } catch {
    return false
  }
}
