import { importPackage } from '../../packages/import-package.js'
import { defaultOf } from '../../packages/optional-package.js'
import type { Engine, OwnHandle } from './engine.js'
import { uriOf } from './uri.js'

type Database = new (file: string, options?: { readonly: boolean; fileMustExist: boolean }) => OwnHandle

/** The class `Database` of libsql or better-sqlite3. */
export type SqliteDriver = new (
  file: string,
) => { exec(sql: string): unknown; prepare(sql: string): unknown; close(): unknown }

/** Imports the npm package libsql. Rejects if it, or its build for this machine, is not installed. */
export async function libsqlEngine(): Promise<Engine> {
  return engineOf(defaultOf(await importPackage('libsql')) as SqliteDriver)
}

export function engineOf(driver: SqliteDriver): Engine {
  const Database = driver as unknown as Database
  // better-sqlite3 does not accept URIs, and has options instead.
  if (!isLibsql(driver)) {
    const open: Engine['open'] = (file, access) =>
      new Database(file, { readonly: access === 'ro', fileMustExist: access !== undefined })
    return { closesAtOnce: true, open }
  }
  // A closed connection stays open until its statements are garbage-collected.
  return { closesAtOnce: false, open: (file, access) => open(Database, access ? uriOf(file, access) : file) }
}

function isLibsql(driver: SqliteDriver): boolean {
  return 'syncUntil' in driver.prototype
}

/** @throws TypeError if it is not such a class. */
export function checkDriver(driver: unknown): asserts driver is SqliteDriver | undefined {
  if (driver === undefined || typeof driver === 'function') return
  throw new TypeError('Option "driver" of SqliteDict.open() must be the class Database of libsql or better-sqlite3.')
}

/** If a file cannot be opened, the error has SQLite's code only in its message. */
function open(Database: Database, file: string): OwnHandle {
  try {
    return new Database(file)
  } catch (cause) {
    const [, rawCode] = /: (\d+)"\)$/.exec((cause as Error).message) ?? []
    throw Object.assign(new Error('unable to open database file', { cause }), { rawCode: Number(rawCode) })
  }
}
