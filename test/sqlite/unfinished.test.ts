import { describe, expect, it } from 'vitest'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { SqliteDict, StoreUnavailableError } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { ENGINES } from './engines.js'
import { folders } from './folder.js'
import { spyOn } from './spied-handle.js'

const fileIn = folders()

const fault = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    error => error,
  )

/** What a new connection sees: no earlier snapshot can affect it. */
async function storedHead(file: string, open = rawHandle): Promise<unknown> {
  const handle = await open(file)
  try {
    const row = handle.prepare('SELECT number, epoch, nonce FROM durabledict_heads').get() as Record<string, unknown>
    return `${row.number}-${row.epoch}-${row.nonce}`
  } finally {
    handle.close()
  }
}

describe('A dictionary that opened while another connection held the write lock', () => {
  it('sees later writes, and writes', async () => {
    const file = await fileIn()
    const writer = await SqliteDict.open('d', file)
    const other = await rawHandle(file)
    other.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE')
    const opening = SqliteDict.open('d', file, { live: true, maxStaleness: 400 })
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    // As another process with the same bound does: the waiting one no longer needs to record it.
    other.exec('UPDATE durabledict_heads SET bound = 400; COMMIT')
    const dict = await opening
    for (let n = 0; n < 3; n += 1) {
      await writer.set('n', n)
      await dict.sync()
      expect(dict.local.get('n')).toBe(n)
      expect(dict.version).toBe(await storedHead(file))
      await dict.set('own', n)
    }
    other.close()
    await dict.close()
    await writer.close()
  })
})

/** Actions of another connection that end in a lock of its own, by journal mode. */
const LOCKS = [
  ['wal', 'BEGIN IMMEDIATE'],
  ['delete', 'BEGIN IMMEDIATE'],
  ['delete', 'BEGIN EXCLUSIVE'],
  ['truncate', 'BEGIN EXCLUSIVE'],
] as const

describe.each(Object.entries(ENGINES))('On a connection of %s', (name, open) => {
  it.for(LOCKS)('a lock in mode %s by %s leaves nothing behind', async ([journal, begin], context) => {
    if (!open) return context.skip(`${name} is not installed`)
    const file = await fileIn()
    const { mine, other, failures } = await contenders(file, journal, open)
    const dict = await SqliteDict.open('d', mine, { timeout: 150 })
    await dict.set('a', 0)
    for (const call of calls(dict)) {
      other.exec(begin)
      await fault(call())
      other.exec('COMMIT')
      // Another program writes at once, and the dictionary sees it.
      other.exec(`UPDATE durabledict_heads SET number = number + 1, nonce = hex(randomblob(12))`)
      other.exec('UPDATE durabledict_heads SET nonce = lower(nonce)')
      await dict.sync()
      expect(dict.version).toBe(await storedHead(file, open))
    }
    await dict.set('a', 1)
    expect(failures.map(({ sql }) => sql)).toEqual([])
    await dict.close()
    mine.close()
    other.close()
  })

  it.for(['wal', 'delete'])('an abandoned write in mode %s leaves no lock', async (journal, context) => {
    if (!open) return context.skip(`${name} is not installed`)
    const { mine, other } = await contenders(await fileIn(), journal, open)
    const dict = await SqliteDict.open('d', mine, { timeout: 1_000 })
    other.exec('BEGIN; SELECT * FROM durabledict_heads')
    const reader = other.prepare('SELECT count(*) FROM durabledict_heads')
    reader.get()
    // Without WAL, COMMIT waits for readers.
    const error = await fault(dict.set('a', 1))
    expect(error instanceof StoreUnavailableError).toBe(journal === 'delete')
    other.exec('COMMIT; BEGIN EXCLUSIVE; COMMIT')
    await dict.set('a', 2)
    expect(await dict.get('a')).toBe(2)
    await dict.close()
    mine.close()
    other.close()
  })
})

function calls(dict: SqliteDict): (() => Promise<unknown>)[] {
  return [
    () => dict.get('a'),
    () => dict.set('a', 1),
    () => dict.transact(tx => tx.set('a', (tx.get('a') as number) + 1)),
    () => dict.sync(),
    () => dict.clear(),
  ]
}

/** Two connections to a file that wait for no lock. Failures of the first one's prepared statements are recorded. */
async function contenders(file: string, journal: string, open: (file: string) => Promise<OwnHandle>) {
  const original = await open(file)
  original.exec(`PRAGMA journal_mode = ${journal}; PRAGMA busy_timeout = 0`)
  const other = await open(file)
  other.exec('PRAGMA busy_timeout = 0')
  const { handle, failures } = spyOn(original)
  return { mine: handle as OwnHandle, other, failures }
}
