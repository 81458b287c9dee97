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
import type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
import { DEFAULT_TIMEOUT } from './time/default-timeout.js'

/**
 * A dictionary in an SQLite file. Any number of processes on one machine can share it, and a file can hold several dictionaries.
 *
 * Linearizable. A write that has resolved is on the disk: it survives `kill -9` and a power cut.
 */
export type SqliteDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** Options of an `SqliteDict`, besides the common ones. They do not apply to your own connection. */
export interface SqliteOptions {
  /**
   * The class `Database` of libsql or better-sqlite3, which opens the file: `import Database from 'libsql'`, then
   * `{ driver: Database }`. A bundled program needs it on Node before 22.13 because the bundler does not see what the library
   * imports. Within a process, use only one build of SQLite for a file. Default: Node's own SQLite, else libsql.
   *
   * @example
   * import Database from 'libsql'
   *
   * await SqliteDict.open('settings', './app.db', { driver: Database })
   */
  driver?: SqliteDriver | undefined
  /**
   * The exact permissions of a file that `open` creates, and of the files that SQLite creates beside it. The umask does not
   * apply. Default `0o600`: only its owner can read and write it. An existing file keeps its permissions.
   *
   * @example
   * await SqliteDict.open('settings', './app.db', { fileMode: 0o660 })
   */
  fileMode?: number | undefined
}

interface OpenSqliteDict {
  /**
   * Opens a dictionary in a file, and creates the file if it is missing. The schema defines the types and validates values.
   *
   * @param name - identifies the dictionary inside the file. Any non-empty string.
   * @param file - the path of the file, whose folder must exist, or your own connection of better-sqlite3, libsql or
   * node:sqlite, which stays open.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await SqliteDict.open('settings', './app.db', {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    name: string,
    file: string | SqliteHandle,
    options: SchemaOptions<S, D> & SqliteOptions,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens a dictionary in a file, and creates the file if it is missing. You name the type, and every key has a default.
   *
   * @param name - identifies the dictionary inside the file. Any non-empty string.
   * @param file - the path of the file, whose folder must exist, or your own connection of better-sqlite3, libsql or
   * node:sqlite, which stays open.
   * @param options - with `defaults` for every key.
   * @example
   * await SqliteDict.open<Settings>('settings', './app.db', { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    name: string,
    file: string | SqliteHandle,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & SqliteOptions,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary in a file, and creates the file if it is missing. You name the type and the keys that have a default (by
   * default all that are not optional).
   *
   * @param name - identifies the dictionary inside the file. Any non-empty string.
   * @param file - the path of the file, whose folder must exist, or your own connection of better-sqlite3, libsql or
   * node:sqlite, which stays open.
   * @param options - with `defaults` for these keys.
   * @example
   * await SqliteDict.open<Settings, 'theme'>('settings', './app.db', { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    name: string,
    file: string | SqliteHandle,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & SqliteOptions,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens a dictionary in a file, and creates the file if it is missing. The defaults define the types: `get` never returns
   * `undefined`, and other keys do not compile.
   *
   * @param name - identifies the dictionary inside the file. Any non-empty string.
   * @param file - the path of the file, whose folder must exist, or your own connection of better-sqlite3, libsql or
   * node:sqlite, which stays open.
   * @param options - with `defaults`.
   * @example
   * const settings = await SqliteDict.open('settings', './app.db', { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    name: string,
    file: string | SqliteHandle,
    options: DefaultsOptions<Values> & SqliteOptions,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens a dictionary in a file, and creates the file if it is missing. You may name the type. Without one, every string is a
   * key, and values are `unknown`.
   *
   * @param name - identifies the dictionary inside the file. Any non-empty string.
   * @param file - the path of the file, whose folder must exist, or your own connection of better-sqlite3, libsql or
   * node:sqlite, which stays open.
   * @param options - the common options and `SqliteOptions`.
   * @example
   * await SqliteDict.open<Settings>('settings', './app.db', { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    name: string,
    file: string | SqliteHandle,
    options?: DictOptions<T, S> & SqliteOptions,
  ): Promise<DurableDict<T>>
}

interface SqliteDictKind extends Kind<OpenSqliteDict> {
  readonly open: OpenSqliteDict
}

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
    throw new TypeError(
      'SqliteDict.open() takes a name, then the path of a file, or a connection with exec() and prepare().',
    )
  }
  if (file === ':memory:') {
    throw new TypeError('SqliteDict keeps a file. For a dictionary in memory use MemoryDict, or pass a connection.')
  }
  if (/^file:/i.test(file)) {
    throw new TypeError(`SqliteDict.open() takes a path, not a URL: use fileURLToPath() of node:url. Got ${file}.`)
  }
}
