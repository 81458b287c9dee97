import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { LOG_BYTES, LOG_ROWS } from '../../src/backends/sqlite/log.js'
import type { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.js'
import type { Effect, Version } from '../../src/contract/backend.js'
import { SqliteDict, UnsupportedError } from '../../src/index.js'
import { backendOf, rawHandle } from './backend.js'
import { folders } from './folder.js'

const fileIn = folders()

type Values = Record<string, string | Uint8Array>

/** Sets all of them in one commit. */
async function set(backend: SqliteBackend, values: Values): Promise<Version> {
  const operations = Object.entries(values).map(([key, stored]) => ({ type: 'set', key, stored }) as const)
  const batch = { id: crypto.randomUUID(), groups: [{ conditions: [], operations }] }
  await backend.commit(batch, '')
  return backend.lastUpdated()
}

async function logged(file: string) {
  const db = await rawHandle(file)
  const { rows, bytes } = db.prepare('SELECT count(*) AS rows, sum(bytes) AS bytes FROM durabledict_changes').get() as {
    rows: number
    bytes: number | null
  }
  const [heads] = db.prepare('SELECT log_rows AS rows, log_bytes AS bytes FROM durabledict_heads').all()
  db.close()
  return { rows, bytes: bytes ?? 0, heads: heads as { rows: number; bytes: number } }
}

const range = (length: number) => Array.from({ length }, (_, index) => index)

describe('The history', () => {
  it('returns the changes since a version, step by step', async () => {
    const file = await fileIn()
    const [a, b] = [await backendOf('d', file), await backendOf('d', file)]
    const base = a.lastUpdated() as Version
    const one = await set(b, { x: '1', y: '2' })
    await b.depersist('x')
    const two = b.lastUpdated()
    await b.commit({ id: 'the batch', groups: [{ conditions: [], operations: [{ type: 'clear' }] }] }, '')
    const three = b.lastUpdated()
    const effects: Effect<unknown>[][] = [
      [
        { type: 'set', key: 'x', stored: '1' },
        { type: 'set', key: 'y', stored: '2' },
      ],
      [{ type: 'delete', key: 'x' }],
      [{ type: 'clear' }],
    ]
    const id = expect.any(String)
    expect(a.changesSince(base)).toEqual({
      type: 'changes',
      version: three,
      changes: [
        { previous: base, version: one, effects: effects[0], id },
        { previous: one, version: two, effects: effects[1], id },
        { previous: two, version: three, effects: effects[2], id: 'the batch' },
      ],
    })
    expect(a.changesSince(two as Version)).toMatchObject({ changes: [{ version: three }] })
    a.close()
    b.close()
  })

  it('keeps a limited number of entries', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    const base = backend.lastUpdated() as Version
    const first = await set(backend, { first: '' })
    const tenth = LOG_ROWS / 10
    for (const _ of range(9)) await set(backend, Object.fromEntries(range(tenth).map(key => [key, ''])))
    await set(backend, Object.fromEntries(range(tenth - 1).map(key => [key, ''])))
    expect(await logged(file)).toMatchObject({ rows: LOG_ROWS, heads: { rows: LOG_ROWS } })
    expect(backend.changesSince(base)).toMatchObject({ type: 'changes' })
    await set(backend, { one: '' })
    expect(backend.changesSince(base)).toEqual({ type: 'tooOld', diverged: false })
    expect(backend.changesSince(first)).toMatchObject({ type: 'changes' })
    await set(backend, { two: '' })
    expect(backend.changesSince(first)).toEqual({ type: 'tooOld', diverged: false })
    expect(await logged(file)).toMatchObject({ rows: LOG_ROWS - tenth + 1, heads: { rows: LOG_ROWS - tenth + 1 } })
    backend.close()
  })

  it('keeps a limited number of bytes', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    const base = backend.lastUpdated() as Version
    const half = new Uint8Array(LOG_BYTES / 2 - 1)
    const first = await set(backend, { a: half })
    await set(backend, { b: half })
    expect(await logged(file)).toMatchObject({ rows: 2, bytes: LOG_BYTES, heads: { rows: 2, bytes: LOG_BYTES } })
    expect(backend.changesSince(base)).toMatchObject({ type: 'changes' })
    await set(backend, { c: '' })
    expect(backend.changesSince(base)).toEqual({ type: 'tooOld', diverged: false })
    expect(backend.changesSince(first)).toMatchObject({ type: 'changes' })
    expect(await logged(file)).toMatchObject({ rows: 2, bytes: LOG_BYTES / 2 + 1, heads: { bytes: LOG_BYTES / 2 + 1 } })
    backend.close()
  })

  it('is cut by a change larger than the whole log', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    const base = await set(backend, { a: '1' })
    const cut = await set(backend, { huge: new Uint8Array(LOG_BYTES) })
    expect(await logged(file)).toEqual({ rows: 0, bytes: 0, heads: { rows: 0, bytes: 0 } })
    expect(backend.changesSince(base)).toEqual({ type: 'tooOld', diverged: false })
    expect(backend.changesSince(cut)).toEqual({ type: 'changes', version: cut, changes: [] })
    const next = await set(backend, { b: '2' })
    expect(backend.changesSince(cut)).toMatchObject({ type: 'changes', version: next, changes: [{ previous: cut }] })
    const many = Object.fromEntries(range(LOG_ROWS + 1).map(key => [key, '']))
    await set(backend, many)
    expect((await logged(file)).rows).toBe(0)
    backend.close()
  })

  it('returns to its author a change larger than the whole log', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    const base = backend.lastUpdated() as Version
    const operation = { type: 'set', key: 'huge', stored: new Uint8Array(LOG_BYTES) } as const
    const batch = { id: 'i', groups: [{ conditions: [], operations: [operation] }] }
    expect(await backend.commit(batch, base)).toMatchObject({ catchUp: { type: 'changes', changes: [{ id: 'i' }] } })
    backend.close()
  })

  it('recognizes a version of another history', async () => {
    const file = await fileIn()
    const backend = await backendOf('d', file)
    const zero = String(backend.lastUpdated())
    const one = String(await set(backend, { a: '1' }))
    await set(backend, { a: '2' })
    const diverged = { type: 'tooOld', diverged: true }
    const other = (version: string, part: number) => version.split('-').with(part, 'abc').join('-')
    expect(backend.changesSince(other(one, 2)), 'another nonce').toEqual(diverged)
    expect(backend.changesSince(other(one, 1)), 'another epoch').toEqual(diverged)
    expect(backend.changesSince(one.replace('1', '9')), 'ahead').toEqual(diverged)
    expect(backend.changesSince(zero.replace('0', '2')), 'as new, but another').toEqual(diverged)
    expect(backend.changesSince('no version'), 'none of ours').toEqual(diverged)
    backend.close()
  })
})

describe('Opening', () => {
  it('changes nothing in an existing dictionary', async () => {
    const file = await fileIn()
    const first = await SqliteDict.open('d', file)
    await first.set('a', 1)
    const { version } = first
    await first.close()
    const second = await SqliteDict.open('d', file)
    expect(second.version).toBe(version)
    await second.close()
  })

  it('keeps the dictionaries of a file separate', async () => {
    const file = await fileIn()
    const [a, b] = [await SqliteDict.open('a', file), await SqliteDict.open('b', file)]
    await a.set('key', 'of a')
    const { version } = b
    await b.sync()
    expect(b.version).toBe(version)
    await b.set('key', 'of b')
    await b.clear()
    expect(await a.entries()).toEqual([['key', 'of a']])
    expect(await b.entries()).toEqual([])
    await a.close()
    await b.close()
  })

  it.each([
    ["UPDATE durabledict_heads SET format = 2 WHERE dict = 'd'", 'd'],
    ["UPDATE durabledict_heads SET format = 2 WHERE dict = 'd'", 'another'],
    ['ALTER TABLE durabledict_heads RENAME COLUMN nonce TO something', 'd'],
  ])('rejects the layout of a later version: %s', async (sql, name) => {
    const file = await fileIn()
    await (await SqliteDict.open('d', file)).close()
    const db = await rawHandle(file)
    db.exec(sql)
    db.close()
    const refused = await SqliteDict.open(name, file).then(
      () => undefined,
      error => error,
    )
    expect(refused).toBeInstanceOf(UnsupportedError)
    expect(refused.message).toContain('Update durabledict')
  })

  it('notices that a later version has taken over while it is open', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    const db = await rawHandle(file)
    db.exec('UPDATE durabledict_heads SET format = 2')
    db.close()
    await expect(dict.get('a')).rejects.toThrow(UnsupportedError)
    await expect(dict.set('a', 1)).rejects.toThrow(UnsupportedError)
    await dict.close()
  })

  it('creates a dictionary in an empty file', async () => {
    const file = await fileIn()
    await writeFile(file, '')
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    await dict.close()
  })
})
