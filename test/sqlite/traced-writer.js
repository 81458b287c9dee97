// @ts-check
// Writes so many times, and leaves a mark in the trace of system calls after each acknowledgement. Three ways: by path; on a
// connection of its own that is set not to sync, as better-sqlite3's are in WAL mode; by SQLite alone on such a one.
import { writeSync } from 'node:fs'
import { findEngine } from '../../dist/backends/sqlite/engine.js'
import { SqliteDict } from '../../dist/index.js'

const [file = '', count = '', how = 'path'] = process.argv.slice(2)

async function openUnsynced() {
  const handle = (await findEngine('traced')).open(file)
  handle.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  return handle
}

/** @returns {Promise<(n: number) => unknown>} */
async function writer() {
  if (how === 'unsafe') {
    const handle = await openUnsynced()
    handle.exec('CREATE TABLE t (n)')
    return n => handle.exec(`INSERT INTO t VALUES (${n})`)
  }
  const dict = await SqliteDict.open('d', how === 'path' ? file : await openUnsynced())
  return n => dict.set('n', n)
}

const write = await writer()
for (let n = 1; n <= Number(count); n += 1) {
  await write(n)
  writeSync(1, `acknowledged ${n}\n`)
}
