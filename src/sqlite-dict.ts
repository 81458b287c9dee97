import { resolve } from 'node:path'
import { BorrowedHandle } from './backends/sqlite/borrowed-handle.js'
import { findEngine } from './backends/sqlite/engine.js'
import { checkDriver, type SqliteDriver } from './backends/sqlite/engine-libsql.js'
import { isSqliteHandle, type SqliteHandle } from './backends/sqlite/handle.js'
import { OwnFile } from './backends/sqlite/own-file.js'
import type { Source } from './backends/sqlite/source.js'
import { SqliteBackend } from './backends/sqlite/sqlite-backend.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type { Open } from './dictionary/open.js'
import type { CommonOptions } from './dictionary/options.js'

/**
 * A dictionary in an SQLite file, shared by any number of processes of one machine, and of dictionaries.
 *
 * Linearizable. A write that has resolved is on the disk: it survives `kill -9` and a power cut.
 */
export type SqliteDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** Options of an `SqliteDict`, besides those of every dictionary. Neither is for a connection of your own. */
export interface SqliteOptions {
  /**
   * The class `Database` of libsql or better-sqlite3, by which to open the file: `import Database from 'libsql'`, then
   * `{ driver: Database }`. A bundled program needs it on Node before 22.13, since a bundler does not see what the library
   * would import. Within a process, use one build of SQLite for a file. Default: Node's own SQLite, else libsql.
   */
  driver?: SqliteDriver | undefined
  /**
   * The permissions of a file that `open` creates, and of the files that SQLite keeps beside it, exactly: the umask does not
   * count. Default `0o600`: its owner alone reads and writes it. A file that exists keeps its own.
   */
  fileMode?: number | undefined
}

type OpenSqliteDict = Open<[name: string, file: string | SqliteHandle], SqliteOptions>

interface SqliteDictKind extends Kind<OpenSqliteDict> {
  /**
   * Opens a dictionary, and creates it where it is missing.
   *
   * @param name - tells the dictionaries of a file apart. Any non-empty string.
   * @param file - the path of the file, created where it is missing; its folder must be there. Or a connection of your
   * own, by better-sqlite3, libsql or node:sqlite, which `close` leaves open.
   */
  readonly open: OpenSqliteDict
}

/** What bounds the waiting for locks where the option `timeout` is not given, in ms. */
const DEFAULT_TIMEOUT = 5_000

export const SqliteDict: SqliteDictKind = kindOf<OpenSqliteDict>(
  'SqliteDict',
  async (name: string, file: string | SqliteHandle, options: CommonOptions & SqliteOptions = {}) => {
    checkName(name)
    const { driver, fileMode, ...common } = options
    const source = await sourceOf(name, file, { driver, fileMode })
    return DurableDict.open(new SqliteBackend(name, source, common.timeout ?? DEFAULT_TIMEOUT), common)
  },
  { first: 'the name', second: 'the path of a file or a connection', isSecond: () => false },
)

function checkName(name: unknown): void {
  if (typeof name === 'string' && name.length > 0) return
  throw new TypeError('SqliteDict.open() takes a name, which must be a non-empty string, then a file.')
}

async function sourceOf(name: string, file: unknown, { driver, fileMode }: SqliteOptions): Promise<Source> {
  checkDriver(driver)
  checkMode(fileMode)
  if (isSqliteHandle(file)) return new BorrowedHandle(file, name)
  checkPath(file)
  return new OwnFile(resolve(file), name, await findEngine(name, driver), fileMode)
}

function checkMode(mode: unknown): asserts mode is number | undefined {
  if (mode === undefined || (Number.isInteger(mode) && 0 <= (mode as number) && (mode as number) <= 0o777)) return
  throw new TypeError('Option "fileMode" of SqliteDict.open() must be the permissions of a file, such as 0o640.')
}

function checkPath(file: unknown): asserts file is string {
  if (typeof file !== 'string' || file.length === 0 || file.includes('\0')) {
    throw new TypeError('SqliteDict.open() takes the path of a file, or a connection with exec() and prepare().')
  }
  if (file === ':memory:') {
    throw new TypeError('SqliteDict keeps a file. For a dictionary in memory use MemoryDict, or pass a connection.')
  }
  if (/^file:/i.test(file)) {
    throw new TypeError(`SqliteDict.open() takes a path, not a URL: use fileURLToPath() of node:url. Got ${file}.`)
  }
}
