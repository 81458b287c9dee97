import { databaseOf } from './backends/postgres/clients/recognise.js'
import type { PostgresConnection } from './backends/postgres/clients/shapes.js'
import { checkDriver, connect, type PostgresDriver } from './backends/postgres/connect.js'
import { DEFAULT_SCHEMA } from './backends/postgres/migration.js'
import { checkName, checkSchemaName } from './backends/postgres/names.js'
import { PostgresBackend } from './backends/postgres/postgres-backend.js'
import type { Core } from './dictionary/core.js'
import { DurableDict } from './dictionary/durable-dict.js'
import type { AttributionOptions } from './dictionary/history/attribution.js'
import { type InTransaction, type TransactionStore, WritesInTransaction } from './dictionary/in-transaction.js'
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
import { checkOptions } from './dictionary/settings.js'

/** A dictionary in tables of PostgreSQL 12 or later, without an ORM. A schema can hold any number of dictionaries. */
export interface PostgresDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> extends DurableDict<T, D, I> {
  /**
   * Returns the entries inside a transaction of the application: what is written there commits or rolls back with it. Memory follows after the
   * commit.
   *
   * @param transaction - the client of pg that has begun it, or what the transaction callback of postgres.js or PGlite gets.
   * @example
   * await sql.begin(async tx => {
   *   const [order] = await tx`INSERT INTO orders (item) VALUES ('tea') RETURNING id`
   *   await settings.in(tx).set('lastOrder', order.id)
   * })
   */
  in(transaction: object): InTransaction<T, D, I>
}

/** Options of a `PostgresDict`, besides the common ones. */
export interface PostgresOptions {
  /**
   * The schema of the tables, the same in all processes. Whatever `search_path` is, no other one is used. Default `'public'`.
   *
   * @example
   * await PostgresDict.open('settings', pool, { schemaName: 'app' })
   */
  schemaName?: string | undefined
  /**
   * How often a live dictionary polls if the database passes no notifications, in ms. Default 200; minimum 1.
   *
   * @example
   * await PostgresDict.open('settings', pool, { live: true, pollEvery: 1_000 })
   */
  pollEvery?: number | undefined
  /**
   * The package pg or postgres to connect with, for a URL. A bundled program needs it because the bundler does not see what the library
   * imports. Default: the installed one, pg first.
   *
   * @example
   * import pg from 'pg'
   *
   * await PostgresDict.open('settings', 'postgres://localhost/app', { driver: pg })
   */
  driver?: PostgresDriver | undefined
}

/** In ms. */
const POLL_EVERY = 200

interface OpenPostgresDict {
  /**
   * Opens the dictionary of that name in tables of PostgreSQL, which it creates if they are missing. The schema defines the types and
   * validates values.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a `Pool` or a connected `Client` of pg, what `postgres()` of postgres.js returns, or a `PGlite`, which stays open, or a
   * URL `postgres://…`, for which the dictionary opens its own connections.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await PostgresDict.open('settings', client, {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    name: string,
    client: PostgresConnection | string,
    options: SchemaOptions<S, D> & PostgresOptions,
  ): Promise<PostgresDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens the dictionary of that name in tables of PostgreSQL, which it creates if they are missing. You name the type, and every key
   * has a default.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a `Pool` or a connected `Client` of pg, what `postgres()` of postgres.js returns, or a `PGlite`, which stays open, or a
   * URL `postgres://…`, for which the dictionary opens its own connections.
   * @param options - with `defaults` for every key.
   * @example
   * await PostgresDict.open<Settings>('settings', client, { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    name: string,
    client: PostgresConnection | string,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & PostgresOptions,
  ): Promise<PostgresDict<T, NamedKeys<T>>>
  /**
   * Opens the dictionary of that name in tables of PostgreSQL, which it creates if they are missing. You name the type and the keys
   * that have a default (by default all that are not optional).
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a `Pool` or a connected `Client` of pg, what `postgres()` of postgres.js returns, or a `PGlite`, which stays open, or a
   * URL `postgres://…`, for which the dictionary opens its own connections.
   * @param options - with `defaults` for these keys.
   * @example
   * await PostgresDict.open<Settings, 'theme'>('settings', client, { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    name: string,
    client: PostgresConnection | string,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & PostgresOptions,
  ): Promise<PostgresDict<T, K>>
  /**
   * Opens the dictionary of that name in tables of PostgreSQL, which it creates if they are missing. The defaults define the types:
   * `get` never returns `undefined`, and other keys do not compile.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a `Pool` or a connected `Client` of pg, what `postgres()` of postgres.js returns, or a `PGlite`, which stays open, or a
   * URL `postgres://…`, for which the dictionary opens its own connections.
   * @param options - with `defaults`.
   * @example
   * const settings = await PostgresDict.open('settings', client, { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    name: string,
    client: PostgresConnection | string,
    options: DefaultsOptions<Values> & PostgresOptions,
  ): Promise<PostgresDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens the dictionary of that name in tables of PostgreSQL, which it creates if they are missing. You may name the type. Without
   * one, every string is a key, and values are `unknown`.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a `Pool` or a connected `Client` of pg, what `postgres()` of postgres.js returns, or a `PGlite`, which stays open, or a
   * URL `postgres://…`, for which the dictionary opens its own connections.
   * @param options - the common options and `PostgresOptions`.
   * @example
   * await PostgresDict.open<Settings>('settings', client, { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    name: string,
    client: PostgresConnection | string,
    options?: DictOptions<T, S> & PostgresOptions,
  ): Promise<PostgresDict<T>>
}

class OpenedPostgresDict extends DurableDict {
  readonly #backend: PostgresBackend
  readonly #core: Core
  readonly #attribution: AttributionOptions | undefined

  private constructor(core: Core, backend: PostgresBackend, attribution?: AttributionOptions) {
    super(core, attribution)
    this.#backend = backend
    this.#core = core
    this.#attribution = attribution
  }

  static openOn(backend: PostgresBackend, options: CommonOptions): Promise<OpenedPostgresDict> {
    return DurableDict.openAs(backend, options, core => new OpenedPostgresDict(core, backend))
  }

  protected override viewAs(core: Core, attribution: AttributionOptions): OpenedPostgresDict {
    return new OpenedPostgresDict(core, this.#backend, attribution)
  }

  in(transaction: object): InTransaction<Record<string, unknown>> {
    this.checkWrite([])
    return new WritesInTransaction(this.#core, this.#backend.within(transaction) as TransactionStore, this.#attribution)
  }
}

interface PostgresDictKind extends Kind<OpenPostgresDict> {
  readonly open: OpenPostgresDict
}

export const PostgresDict: PostgresDictKind = kindOf<OpenPostgresDict>(
  'PostgresDict',
  async (
    name: string,
    connection: PostgresConnection | string,
    { schemaName = DEFAULT_SCHEMA, pollEvery = POLL_EVERY, driver, ...options }: CommonOptions & PostgresOptions = {},
  ) => {
    checkName(name)
    checkSchemaName(schemaName)
    checkDriver(driver)
    checkInterval(pollEvery)
    const { timeout } = checkOptions(options)
    const client = typeof connection === 'string' ? await connect(connection, timeout, driver) : databaseOf(connection)
    return OpenedPostgresDict.openOn(new PostgresBackend({ name, client, schemaName, timeout, pollEvery }), options)
  },
  { first: 'the name', second: 'a client or a URL', isSecond: text => /^postgres(?:ql)?:\/\//i.test(text) },
)

function checkInterval(ms: unknown): void {
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 1) return
  throw new TypeError('Option "pollEvery" of PostgresDict.open() must be a number of milliseconds from 1.')
}
