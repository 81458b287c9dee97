import type { ListenOption } from '../sql/notifications/listening-connection.js'
import type { Columns } from './managers/manager.js'
import type { VersionCache } from './versions/version-cache.js'

/** The options of a dictionary in a model, in addition to those of every dictionary. */
export interface ModelOptions {
  /**
   * Where the version is kept: `memcachedVersions(client)`, `redisVersions(client)`, `memoryVersions()`, or one of your own. Default: in
   * the database itself, with a log of the changes, so that catching up costs what changed; its tables are made by
   * `createTables` or by a migration. With a cache, every change costs a full load, and `maxStaleness` and `{ everywhere: true }` are
   * unsupported.
   *
   * @example
   * await ModelDict.open(prisma.setting, { cache: redisVersions(client) })
   */
  cache?: VersionCache | undefined
  /**
   * The model's name of the key column: text, with a unique constraint of its own. Default `'key'`.
   *
   * @example
   * await ModelDict.open(prisma.setting, { keyCol: 'name', valueCol: 'content' })
   */
  keyCol?: string | undefined
  /**
   * The model's name of the value column: text, JSON or bytes, as the encoding makes. Default `'value'`.
   *
   * @example
   * await ModelDict.open(prisma.setting, { keyCol: 'name', valueCol: 'content' })
   */
  valueCol?: string | undefined
  /**
   * Whether values are the model's instances with all their columns, rather than the content of the value column. Default
   * `false`. Then `schema`, `defaults` and `oldEncoding` do not apply; an instance that is written is saved with all its columns, any
   * other value is encoded into the value column.
   *
   * @example
   * const settings = await ModelDict.open(prisma.setting, { returnInstances: true })
   * settings.local.get('theme')?.updatedAt
   */
  returnInstances?: boolean | undefined
  /**
   * With `returnInstances`: the model's names of the columns that may be written. A value that sets any other one is rejected with
   * `InvalidValueError`, unless it is as the instance was read with. Name them wherever values come from users, such as forms. Default:
   * all columns.
   *
   * @example
   * await ModelDict.open(prisma.setting, { returnInstances: true, columns: ['key', 'value', 'note'] })
   */
  columns?: readonly string[] | undefined
  /**
   * The dictionary's name: the same in all processes that share it. Default: what the application calls the model.
   *
   * @example
   * await ModelDict.open(kyselyManager(db, 'settings'), { name: 'settings' })
   */
  name?: string | undefined
  /**
   * Further columns of a row that is inserted, beyond what model and database fill in themselves.
   *
   * @example
   * await ModelDict.open(prisma.setting, { row: (key, value) => ({ kind: typeof value, tenant: 'main' }) })
   */
  row?: ((key: string, value: unknown) => Columns) | undefined
  /**
   * PostgreSQL: a connection of `pg` to listen with, so that live dictionaries are notified of changes on commit. Pass a connected
   * client, which stays open, or a function that returns a new one, which is called again after each lost connection.
   *
   * @example
   * await ModelDict.open(prisma.setting, { live: true, listen: () => pool.connect() })
   */
  listen?: ListenOption | undefined
  /**
   * Whether the table must have the triggers by which dictionaries follow changes by other programs. With `true`, `open` rejects with
   * `UnsupportedError` if they are missing, disabled or of another release; otherwise a process warning says so if they were there.
   * `createTables(model, { triggers: true })` creates them. Default: `undefined`; `false` turns the warning off.
   *
   * @example
   * await ModelDict.open(prisma.setting, { triggers: true })
   */
  triggers?: boolean | undefined
  /**
   * How often a live dictionary polls without notifications, in ms. Default 200; minimum 1.
   *
   * @example
   * await ModelDict.open(prisma.setting, { live: true, pollEvery: 1_000 })
   */
  pollEvery?: number | undefined
}

/** The options with their defaults. */
export interface ModelSettings {
  readonly keyCol: string
  readonly valueCol: string
  readonly returnInstances: boolean
  readonly pollEvery: number
  readonly cache: VersionCache | undefined
  readonly name: string | undefined
  readonly columns: readonly string[] | undefined
  readonly row: ModelOptions['row']
  readonly listen: ListenOption | undefined
  readonly triggers: boolean | undefined
}

/** In ms. */
const POLL_EVERY = 200

/**
 * Separates the options of a model from those of every dictionary.
 *
 * @throws TypeError if one is invalid.
 */
export function splitOptions<O extends ModelOptions>(options: O): [ModelSettings, Omit<O, keyof ModelOptions>] {
  const {
    cache,
    keyCol = 'key',
    valueCol = 'value',
    returnInstances = false,
    columns,
    name,
    row,
    listen,
    triggers,
    pollEvery,
    ...rest
  } = options
  for (const [option, value] of Object.entries({ keyCol, valueCol, ...(name === undefined ? {} : { name }) })) {
    check(typeof value === 'string' && value !== '', option, 'a non-empty string')
  }
  check(typeof returnInstances === 'boolean', 'returnInstances', 'a boolean')
  check(
    columns === undefined || (returnInstances && isNames(columns)),
    'columns',
    'a list of names of columns, and goes with "returnInstances"',
  )
  check(row === undefined || typeof row === 'function', 'row', 'a function of key and value that gives columns')
  check(cache === undefined || isCache(cache), 'cache', 'a VersionCache: an object with get, add and incr')
  check(
    listen === undefined || isListener(listen),
    'listen',
    'a connected Client of pg, or a function that gives one (no pool)',
  )
  check(triggers === undefined || typeof triggers === 'boolean', 'triggers', 'a boolean')
  check(
    pollEvery === undefined || (Number.isFinite(pollEvery) && pollEvery >= 1),
    'pollEvery',
    'a number of milliseconds from 1',
  )
  const settings = { cache, keyCol, valueCol, returnInstances, columns, name, row, listen, triggers }
  return [{ ...settings, pollEvery: pollEvery ?? POLL_EVERY }, rest]
}

function check(holds: boolean, option: string, wanted: string): void {
  if (!holds) throw new TypeError(`Option "${option}" of ModelDict.open() must be ${wanted}.`)
}

function isCache(cache: Partial<VersionCache> | null): boolean {
  return ['get', 'add', 'incr'].every(
    method => typeof (cache as Record<string, unknown> | null)?.[method] === 'function',
  )
}

function isNames(columns: unknown): boolean {
  return Array.isArray(columns) && columns.every(name => typeof name === 'string' && name !== '')
}

function isListener(listen: unknown): boolean {
  if (typeof listen === 'function') return true
  const { query, on, off, totalCount } = (listen ?? {}) as Record<string, unknown>
  return [query, on, off].every(method => typeof method === 'function') && totalCount === undefined
}
