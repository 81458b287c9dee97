import assert from 'node:assert/strict'
import type { Backend, CatchUp, Change, Version } from '../contract/backend.js'

/** Keys that some stores, languages and file systems mishandle. All of them are ordinary keys here. */
export const ODD_KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  ' ',
  ' a ',
  'a ',
  'a',
  'A',
  'i',
  'I',
  'İ',
  '0',
  '-1',
  '1e3',
  '\0',
  'nul\0inside',
  '/',
  '//',
  'a/b',
  '/a',
  'a/',
  '.',
  '..',
  '../a',
  '%',
  '%2F',
  '%00',
  '%zz',
  '_',
  '*',
  '?',
  '[a]',
  '{a}',
  ':',
  'a:b',
  ';',
  ',',
  '\\',
  '\\0',
  "'",
  '"',
  '`',
  "'; DROP TABLE x; --",
  '$1',
  '~',
  '#',
  '\n',
  'line\r\nbreak',
  '\t',
  '\u007f',
  '\u0085',
  '\u2028',
  '\ufeff',
  'é',
  'e\u0301',
  'Å',
  '\u212b',
  'ß',
  'ss',
  '😀',
  '👩‍👩‍👧‍👦',
  '\ufffd',
  '\uffff',
  '\u{10ffff}',
  'null',
  'undefined',
  'true',
  'x'.repeat(512),
  'ü'.repeat(256),
  '😀'.repeat(128),
  '/'.repeat(512),
  '\0'.repeat(512),
]

/** Stored forms that some stores mishandle. */
export const ODD_VALUES: readonly string[] = [
  '',
  ' ',
  '0',
  'null',
  'undefined',
  '__proto__',
  '\0',
  'a\0b',
  '\r\n',
  '\u2028\u2029',
  '\ufeff',
  'é',
  'e\u0301',
  '😀',
  '\uffff',
  '\u{10ffff}',
  '\\',
  '%s',
  '"\'`',
]

/** One megabyte of text without repetitions. */
export function large(): string {
  let text = ''
  for (let n = 0; text.length < 1_000_000; n += 1) text += `${n}é`
  return text
}

/** Returns everything stored, read with the four methods only. */
export async function contents<S>(backend: Backend<S>): Promise<Map<string, S>> {
  const entries = new Map<string, S>()
  for await (const [key, stored] of await backend.durables()) {
    assert.ok(!entries.has(key), `durables() gives key ${JSON.stringify(key)} twice`)
    entries.set(key, stored)
  }
  return entries
}

/** Returns the stored form of one key. */
export async function storedIn<S>(backend: Backend<S>, key: string): Promise<S | undefined> {
  return (await contents(backend)).get(key)
}

/** A state that a test tracks. */
export interface Followed {
  readonly version: Version
  readonly entries: Map<string, unknown>
}

/** Returns the current state. The store must not change meanwhile. */
export async function stateOf(backend: Backend<unknown>): Promise<Followed> {
  return { version: await backend.lastUpdated(), entries: await contents(backend) }
}

/** Applies an answer and checks that its changes are chained. Returns `undefined` if everything would have to be loaded. */
export function follow(from: Followed, answer: CatchUp<unknown>): Followed | undefined {
  if (answer.type === 'tooOld') return undefined
  if (answer.type === 'state') return { version: answer.version, entries: new Map(answer.entries) }
  const entries = new Map(from.entries)
  let { version } = from
  for (const change of answer.changes) {
    assert.ok(Object.is(change.previous, version), 'each change must be chained to the previous one')
    assert.ok(!Object.is(change.version, version), 'each change must lead to another version')
    replay(entries, change)
    version = change.version
  }
  assert.ok(Object.is(version, answer.version), 'the last change must lead to the version of the answer')
  return { version, entries }
}

function replay(entries: Map<string, unknown>, change: Change<unknown>): void {
  for (const effect of change.effects) {
    if (effect.type === 'set') entries.set(effect.key, effect.stored)
    else if (effect.type === 'delete') entries.delete(effect.key)
    else entries.clear()
  }
}

/** Expects the same entries in any order. */
export function sameEntries(actual: ReadonlyMap<string, unknown>, expected: ReadonlyMap<string, unknown>): void {
  assert.deepEqual(sorted(actual), sorted(expected))
}

function sorted(entries: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...entries].sort(([left], [right]) => (left < right ? -1 : 1))
}

/** Returns every number below `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Writes that many times and reads meanwhile. Both make progress even if the backend answers synchronously. */
export async function sideBySide(
  times: number,
  write: (n: number) => Promise<unknown>,
  read: () => Promise<void>,
): Promise<void> {
  let writing = true
  const writeAll = async () => {
    for (const n of range(times)) {
      await write(n)
      await turn()
    }
  }
  const readOn = async () => {
    while (writing) {
      await read()
      await turn()
    }
  }
  const written = writeAll().finally(() => {
    writing = false
  })
  await Promise.all([written, readOn()])
}

/** Lets other ready work run first. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
