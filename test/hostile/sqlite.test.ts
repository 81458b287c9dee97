import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BorrowedHandle } from '../../src/backends/sqlite/borrowed-handle.js'
import { EDIT_OBJECTS } from '../../src/backends/sqlite/edits/edit-objects.js'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { LOG_ROWS } from '../../src/backends/sqlite/log.js'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.js'
import { DecodingError, SqliteDict, type SyncReason } from '../../src/index.js'
import { rawHandle } from '../sqlite/backend.js'
import { spyOn } from '../sqlite/spied-handle.js'

/** A database in memory: nothing is synced to a disk. */
let raw: OwnHandle

beforeEach(async () => {
  raw = await rawHandle(':memory:')
})

afterEach(() => {
  raw.close()
})

/** SQL literals: what a column can contain that this library does not write there. */
const NUMBERS = [
  '-1',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '1.5',
  '9e999',
  '-9e999',
  '1e308',
]
const TEXTS = [
  "''",
  "'abc'",
  "CAST(x'72ff' AS TEXT)",
  "CAST(x'e4' AS TEXT)",
  "CAST(x'eda080' AS TEXT)",
  "CAST(x'f09f98' AS TEXT)",
  "CAST(x'22610022' AS TEXT)",
  "CAST(x'efbfbd' AS TEXT)",
  'char(1)',
]
const BLOBS = ["x''", "x'00ff'", 'zeroblob(100000)']
const ANYTHING = [...NUMBERS, ...TEXTS, ...BLOBS, 'NULL']

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    value => ({ value }),
    error => error.constructor,
  )

/** The tables without constraints, and with no types except for numbers: libsql binds every number as REAL. */
const LOOSE = {
  entries: 'dict, key, value',
  heads: `dict, format INTEGER, epoch, number INTEGER, nonce, log_rows INTEGER, log_bytes INTEGER, bound, history_position INTEGER,
    history_floor INTEGER, history_commits INTEGER, history_nonce, history_keep INTEGER, history_days, covered, unregistered, writing INTEGER`,
  changes: 'dict, number INTEGER, position INTEGER, nonce, previous, batch, type, key, value, bytes INTEGER, note',
  commits: 'dict, position INTEGER, number INTEGER, nonce, at INTEGER, author, reason, via, keys INTEGER, key',
  commit_keys: 'dict, key, position INTEGER, part INTEGER, before, after',
  dropped: 'dict, key, position INTEGER',
  replicas: 'dict, id, format INTEGER, renewal INTEGER, seen_at INTEGER, ttl, bound, held, said',
}

/** The columns of the history and of the registry, by table. */
const HISTORY = ['heads', 'commits', 'commit_keys', 'dropped', 'replicas'].flatMap(table => {
  const columns = LOOSE[table as keyof typeof LOOSE].split(/,\s+/).map(column => column.replace(' INTEGER', ''))
  return columns
    .filter(column => table !== 'heads' || /^(history|covered|unregistered)/.test(column))
    .map(column => [table, column] as const)
})

/** The history as a new process reads it. */
const readHistory = () => new SqliteBackend('d', new BorrowedHandle(raw, 'd'), 1_000).history({ limit: 100 })

/** Without a check of the triggers, which name tables that are missing in between. */
function loosen(): void {
  raw.exec('PRAGMA legacy_alter_table = ON')
  for (const [table, columns] of Object.entries(LOOSE)) {
    raw.exec(`CREATE TABLE loose (${columns}); INSERT INTO loose SELECT * FROM durabledict_${table};
      DROP TABLE durabledict_${table}; ALTER TABLE loose RENAME TO durabledict_${table}`)
  }
  raw.exec(`CREATE UNIQUE INDEX entries_key ON durabledict_entries (dict, key);
    CREATE UNIQUE INDEX commits_key ON durabledict_commits (dict, position);
    CREATE UNIQUE INDEX commit_keys_key ON durabledict_commit_keys (dict, key, position);
    CREATE UNIQUE INDEX dropped_key ON durabledict_dropped (dict, key);
    CREATE UNIQUE INDEX replicas_key ON durabledict_replicas (dict, id)`)
  // Those of a table were dropped with it.
  for (const [name, sql] of EDIT_OBJECTS) {
    if (name !== 'durabledict_edit') raw.exec(`DROP TRIGGER IF EXISTS ${name}; ${sql}`)
  }
}

describe('A hostile value', () => {
  it.each(ANYTHING)('%s fails for its own key only', async sql => {
    const dict = await SqliteDict.open('d', raw)
    await dict.update({ good: 'value', bad: 'value' })
    loosen()
    raw.exec(`UPDATE durabledict_entries SET value = ${sql} WHERE key = 'bad'`)
    const again = await SqliteDict.open('d', raw)
    expect(await again.get('good')).toBe('value')
    expect(await again.size()).toBe(2)
    expect(await outcome(again.get('bad'))).toBe(DecodingError)
    expect(await outcome(again.setDefault('bad', 1))).toBe(DecodingError)
    await again.set('bad', 'mended')
    expect(await dict.entries()).toEqual(expect.arrayContaining([['bad', 'mended']]))
    for (const one of [dict, again]) await one.close()
  })

  it('is not removed by pop, but by delete and clear', async () => {
    const dict = await SqliteDict.open('d', raw)
    await dict.update({ a: 1, b: 1, c: 1 })
    raw.exec("UPDATE durabledict_entries SET value = CAST(x'ff' AS TEXT)")
    expect(await outcome(dict.pop('a'))).toBe(DecodingError)
    expect(await dict.has('a')).toBe(true)
    expect(await dict.delete('b')).toBe(true)
    await dict.clear()
    const again = await SqliteDict.open('d', raw)
    expect(await again.size()).toBe(0)
    for (const one of [dict, again]) await one.close()
  })
})

describe('A hostile key', () => {
  it.each([
    ...BLOBS,
    ...TEXTS.filter(sql => !["'abc'", "CAST(x'efbfbd' AS TEXT)"].includes(sql)),
    "char(1) || '0061'",
    "char(1) || 'd800'",
    "char(1) || '0001x' || char(1)",
    "'good' || char(0) || 'x'",
    "printf('%600s', 'x')",
    '9223372036854775807',
    '1.5',
    'NULL',
  ])('%s is ignored with one warning, and the other keys are not', async sql => {
    const warnings: string[] = []
    const listener = (warning: Error) => warnings.push(warning.message)
    process.on('warning', listener)
    const name = `d ${crypto.randomUUID()}`
    const dict = await SqliteDict.open(name, raw)
    await dict.set('good', 'value')
    loosen()
    raw.exec(`INSERT INTO durabledict_entries VALUES ('${name}', ${sql}, '"foreign"')`)
    const again = await SqliteDict.open(name, raw, { resyncEvery: 5 })
    expect(await again.entries()).toEqual([['good', 'value']])
    await again.set('other', 1)
    expect(await dict.keys()).toEqual(['good', 'other'])
    await again.clear()
    expect(raw.prepare('SELECT count(*) AS n FROM durabledict_entries').get()).toMatchObject({ n: 0 })
    for (const one of [dict, again]) await one.close()
    process.off('warning', listener)
    // What may be an escaped key makes the first dictionary load everything, too.
    expect(warnings.filter(message => message.includes(name))).toHaveLength(sql.includes('char(1)') ? 2 : 1)
  })

  it('that is well formed is read correctly in any database encoding', async () => {
    raw.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE own (n)")
    const dict = await SqliteDict.open('grüße 😀', raw)
    await dict.update({ 'é\0ß': 'grüße 😀', plain: 'value' })
    const again = await SqliteDict.open('grüße 😀', raw)
    expect(new Map(await again.entries())).toEqual(
      new Map([
        ['é\0ß', 'grüße 😀'],
        ['plain', 'value'],
      ]),
    )
    await again.set('plain', 'ü')
    expect(await dict.get('plain')).toBe('ü')
    for (const one of [dict, again]) await one.close()
  })
})

const HEAD_COLUMNS = ['format', 'epoch', 'number', 'nonce', 'log_rows', 'log_bytes', 'bound']
const HEADS = HEAD_COLUMNS.flatMap(column => ANYTHING.map(sql => `SET ${column} = ${sql}`))

/** Reads, writes and loads work again, for a dictionary that was open before and for one that was not. */
async function expectWorking(dict: SqliteDict): Promise<void> {
  const id = crypto.randomUUID()
  await dict.get('a')
  await dict.set('b', id)
  const again = await SqliteDict.open(dict.name, raw)
  expect(await again.entries()).toEqual([
    ['a', 1],
    ['b', id],
  ])
  await again.transact(tx => tx.set('a', tx.get('a')))
  expect(await dict.get('b')).toBe(id)
  expect(dict.version).toBe(again.version)
  await again.close()
}

describe('A hostile head', () => {
  it('is created again, so that reads and writes work', async () => {
    const dict = await SqliteDict.open('d', raw)
    await dict.update({ a: 1, b: 2 })
    loosen()
    for (const change of HEADS) {
      raw.exec(`UPDATE durabledict_heads ${change} WHERE dict = 'd'`)
      await expectWorking(dict).catch(cause => Promise.reject(new Error(`after ${change}`, { cause })))
    }
    await dict.close()
  })

  it('is reported once, as a divergence', async () => {
    const dict = await SqliteDict.open('d', raw)
    await dict.set('a', 1)
    const reasons: SyncReason[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    raw.exec('UPDATE durabledict_heads SET number = -1')
    for (let n = 0; n < 3; n += 1) await dict.get('a')
    expect(reasons).toEqual(['diverged'])
    await dict.close()
  })

  it.each([
    'DELETE FROM durabledict_heads',
    ...['entries', 'heads', 'changes'].map(t => `DROP TABLE durabledict_${t}`),
  ])('%s: the next write creates it again', async sql => {
    const dict = await SqliteDict.open('d', raw)
    const follower = await SqliteDict.open('d', raw)
    await dict.set('a', 0)
    raw.exec(sql)
    await dict.update({ a: 1, b: 2 })
    raw.exec(sql)
    expect(await follower.get('a')).toBe(sql.includes('entries') ? undefined : 1)
    await follower.update({ a: 1, b: 2 })
    await expectWorking(dict)
    await expectWorking(follower)
    for (const one of [dict, follower]) await one.close()
  })

  it.each(['9e999', '1e300', '4e9', '-1', "'abc'", "x'00'"])(
    'with the bound %s makes writes { everywhere: true } wait instead of resolving too early',
    async bound => {
      const dict = await SqliteDict.open('d', raw)
      raw.exec(`UPDATE durabledict_heads SET bound = ${bound}`)
      const waiting = outcome(dict.set('a', 1, { everywhere: true }))
      const others = await Promise.race([waiting, dict.set('b', 1).then(() => 'still waiting')])
      expect(others).toBe('still waiting')
      await dict.close()
      await waiting
    },
  )
})

const LOG_COLUMNS = ['number', 'position', 'nonce', 'previous', 'batch', 'type', 'key', 'value']
const LOGS = [
  ...LOG_COLUMNS.flatMap(column => ANYTHING.map(sql => `UPDATE durabledict_changes SET ${column} = ${sql} WHERE`)),
  'DELETE FROM durabledict_changes WHERE',
  "UPDATE durabledict_changes SET type = 'clear' WHERE",
  "UPDATE durabledict_changes SET type = 'delete' WHERE",
  'UPDATE durabledict_changes SET number = number + 5 WHERE',
  'UPDATE durabledict_changes SET position = position + 1 WHERE',
  "UPDATE durabledict_changes SET key = char(1) || '0061' WHERE",
]
/** For these columns, any text is valid. */
const HARMLESS =
  /SET (batch|key) = ('abc'|'|CAST\(x'(efbfbd|22610022)|char)|SET value = (''|'abc'|x|zeroblob|CAST\(x'(efbfbd|22610022)|char)/

describe('A hostile row of the log', () => {
  it.each(['the first', 'a middle', 'the last'])('%s causes a full load and is reported once', async which => {
    const dict = await SqliteDict.open('d', raw)
    const follower = await SqliteDict.open('d', raw, { autosync: false })
    loosen()
    const reasons: SyncReason[] = []
    follower.on('sync', ({ reason }) => reasons.push(reason))
    const back = which === 'the first' ? 2 : which === 'a middle' ? 1 : 0
    for (const change of LOGS) {
      await follower.sync()
      reasons.length = 0
      for (const n of [1, 2, 3]) await dict.set('a', n)
      raw.exec(`${change} number = (SELECT number - ${back} FROM durabledict_heads)`)
      await follower.sync()
      if (!HARMLESS.test(change)) expect(follower.local.get('a'), change).toBe(3)
      if (!HARMLESS.test(change)) expect(reasons, change).toEqual(['diverged'])
      await follower.sync()
      expect(reasons, change).toHaveLength(1)
      await follower.set('a', 4)
      expect(await dict.get('a'), change).toBe(4)
      raw.exec('DELETE FROM durabledict_changes; UPDATE durabledict_heads SET log_rows = 0, log_bytes = 0')
    }
    for (const one of [dict, follower]) await one.close()
  })

  it.each(['first', 'middle', 'last'])('%s of a change of three causes a full load when it is missing', async which => {
    const dict = await SqliteDict.open('d', raw)
    const follower = await SqliteDict.open('d', raw, { autosync: false })
    await dict.set('before', 0)
    await follower.sync()
    const reasons: SyncReason[] = []
    follower.on('sync', ({ reason }) => reasons.push(reason))
    await dict.update({ first: 1, middle: 2, last: 3 })
    await dict.set('after', 4)
    raw.exec(`DELETE FROM durabledict_changes WHERE key = '${which}'`)
    await follower.sync()
    expect(new Map(follower.local)).toEqual(new Map(await dict.entries()))
    expect(reasons).toEqual(['diverged'])
    for (const one of [dict, follower]) await one.close()
  })

  it('with a number after the present change blocks no write', async () => {
    const dict = await SqliteDict.open('d', raw)
    const follower = await SqliteDict.open('d', raw)
    await dict.set('a', 1)
    raw.exec(`INSERT INTO durabledict_changes SELECT dict, number + 1, position, nonce, previous, batch, type, key, value, bytes,
      note FROM durabledict_changes`)
    raw.exec(`INSERT INTO durabledict_changes SELECT dict, 9223372036854775807, 0, nonce, previous, batch, type, key, value,
      9223372036854775807, note FROM durabledict_changes LIMIT 1`)
    for (const n of [2, 3]) {
      await dict.set('a', n)
      expect(await follower.get('a')).toBe(n)
    }
    for (const one of [dict, follower]) await one.close()
  })

  it.each(['-5', '0', '1e300', "'abc'", "x'00'"])('with %s bytes does not prevent trimming of the log', async bytes => {
    const dict = await SqliteDict.open('d', raw)
    await dict.set('a', 1)
    raw.exec(`UPDATE durabledict_changes SET bytes = ${bytes}; UPDATE durabledict_heads SET log_rows = ${LOG_ROWS}`)
    for (const n of [2, 3, 4]) await dict.set('a', n)
    const { version } = dict
    const again = await SqliteDict.open('d', raw)
    expect(again.version).toBe(version)
    for (const one of [dict, again]) await one.close()
  })
})

describe('Any combination of damage', () => {
  type Cell = readonly [readonly [string, string], string, number]
  const cell: fc.Arbitrary<Cell> = fc.tuple(
    fc.constantFrom(
      ...['value', 'key'].map(column => ['entries', column] as const),
      ...HEAD_COLUMNS.map(column => ['heads', column] as const),
      ...[...LOG_COLUMNS, 'bytes', 'note'].map(column => ['changes', column] as const),
      ...HISTORY,
    ),
    fc.oneof(
      fc.constantFrom(...ANYTHING),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
      fc.uint8Array({ maxLength: 12 }).map(bytes => `CAST(x'${Buffer.from(bytes).toString('hex')}' AS TEXT)`),
      fc.uint8Array({ maxLength: 12 }).map(bytes => `x'${Buffer.from(bytes).toString('hex')}'`),
    ),
    fc.nat(5),
  )

  /** A new dictionary in the tables of the previous one: what was damaged there must not be left in its memory. */
  async function openEmpty(): Promise<SqliteDict> {
    for (const table of Object.keys(LOOSE)) raw.exec(`DELETE FROM durabledict_${table}`)
    const dict = await SqliteDict.open('d', raw)
    for (const value of [1, 2]) await dict.update({ a: value, b: value })
    return dict
  }

  it('leaves a dictionary that reads, writes and loads', async () => {
    await (await SqliteDict.open('d', raw)).close()
    loosen()
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 4 }), async cells => {
        const dict = await openEmpty()
        const follower = await SqliteDict.open('d', raw)
        await dict.update({ a: 1, b: 2 })
        await dict.set('c', 3)
        for (const damage of cells) spoil(damage)
        const opened = await SqliteDict.open('d', raw)
        for (const one of [dict, follower, opened]) {
          for (const key of await one.keys()) await one.get(key).catch(expectDecodingError)
          await one.set('own', 1)
        }
        const { commits, floor } = await readHistory()
        const positions = commits.map(({ position }) => position)
        expect(positions).toEqual([...new Set(positions)].sort((a, b) => b - a))
        expect(Math.min(...positions)).toBeGreaterThan(floor)
        // An open dictionary does not notice changes that leave the version unchanged, or another valid key in the log.
        const isSeen = cells.every(([[table, column]]) => table !== 'entries' && `${table}.${column}` !== 'changes.key')
        for (const one of [dict, follower]) {
          await one.sync()
          expect(one.version).toBe(opened.version)
          if (isSeen) expect((await one.keys()).sort()).toEqual((await opened.keys()).sort())
        }
        for (const one of [dict, follower, opened]) await one.close()
      }),
      { numRuns: Number(process.env.RUNS ?? 100) },
    )
  })

  /** One cell of one row. A later version's format is rejected, correctly, and two entries of one key cannot exist. */
  function spoil([[table, column], sql, row]: Cell): void {
    raw.exec(`UPDATE OR IGNORE durabledict_${table} SET ${column} = ${sql} WHERE rowid =
      (SELECT rowid FROM durabledict_${table} LIMIT 1 OFFSET ${row})`)
    // As it is stored: text that is a number has become one.
    raw.exec("UPDATE durabledict_heads SET format = 1 WHERE typeof(format) = 'integer' AND format BETWEEN 2 AND 65535")
  }
})

function expectDecodingError(error: unknown): void {
  expect(error).toBeInstanceOf(DecodingError)
}

describe('Work', () => {
  it('of following the log is one statement for each check, whatever was written', async () => {
    const { handle, statements } = spyOn(raw)
    const follower = await SqliteDict.open('d', handle, { autosync: false })
    const dict = await SqliteDict.open('d', raw)
    const counts: number[] = []
    for (const size of [1, 100]) {
      for (let n = 0; n < size; n += 1) await dict.set(`key${n}`, n)
      statements.length = 0
      await follower.sync()
      expect(statements.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThan(size + 20)
      counts.push(statements.length)
    }
    expect(counts[1]).toBe(counts[0])
    for (const one of [dict, follower]) await one.close()
  })

  it('of a transaction reads the log once, however many keys it read', async () => {
    const { handle, statements } = spyOn(raw)
    const dict = await SqliteDict.open('d', handle)
    const other = await SqliteDict.open('d', raw)
    const keys = Array.from({ length: 50 }, (_, n) => `key${n}`)
    await dict.update(Object.fromEntries(keys.map(key => [key, 0])))
    let tries = 0
    await dict.transact(async tx => {
      tries += 1
      for (const key of keys) tx.get(key)
      if (tries === 1) await other.set('unrelated', 1)
      statements.length = 0
      tx.set('sum', 1)
    })
    expect(statements.filter(({ sql }) => sql.includes('ORDER BY log.number')).length).toBeLessThanOrEqual(2)
    for (const one of [dict, other]) await one.close()
  })

  it('of a log longer than the library allows stops at its limit', async () => {
    const { handle, statements } = spyOn(raw)
    const dict = await SqliteDict.open('d', handle)
    const writer = await SqliteDict.open('d', raw)
    await writer.set('a', 1)
    raw.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${3 * LOG_ROWS})
      INSERT INTO durabledict_changes SELECT dict, number, i, nonce, previous, batch, type, key, value, bytes, note
      FROM durabledict_changes, n`)
    statements.length = 0
    expect(await dict.get('a')).toBe(1)
    for (const { rows } of statements) expect(rows).toBeLessThanOrEqual(LOG_ROWS + 1)
    for (const one of [dict, writer]) await one.close()
  })
})
