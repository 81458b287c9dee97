/** A connection of `pg`, with the members that are used. */
export interface PgClient {
  query(query: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of a listener depend on the event
  on(event: string, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...args: any[]) => void): unknown
  release?(destroy?: boolean): void
}

/** A pool of `pg`, with the members that are used. */
export interface PgPool {
  /** A pool that takes no callback returns a promise. */
  connect(connected: (error: Error | undefined, client: PgClient | undefined) => void): unknown
  readonly totalCount: number
  readonly options?: object
}

/** What `postgres()` of postgres.js returns, with the members that are used. */
export interface PostgresJs {
  // biome-ignore lint/suspicious/noExplicitAny: the types of its parameters differ between versions
  unsafe(text: string, values?: any[], options?: object): any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  listen(channel: string, listener: (payload: string) => void, listening?: () => void): Promise<any>
  reserve(): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly options: any
}

/** PGlite: PostgreSQL inside this process, with the members that are used. */
export interface PgLite {
  query(text: string, values?: never[], options?: object): Promise<unknown>
  exec(text: string, options?: object): Promise<unknown>
  listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>
}

/** A client of PostgreSQL: a `Pool` or a connected `Client` of `pg`, what `postgres()` of postgres.js returns, or a `PGlite`. */
export type PostgresConnection = PgPool | PgClient | PostgresJs | PgLite

const has = (value: unknown, ...names: readonly string[]): boolean =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  names.every(name => typeof (value as Record<string, unknown>)[name] === 'function')

export function isPostgresJs(value: unknown): value is PostgresJs {
  return typeof value === 'function' && has(value, 'unsafe', 'listen', 'reserve')
}

export function isPgLite(value: unknown): value is PgLite {
  return has(value, 'query', 'exec', 'listen')
}

export function isPgPool(value: unknown): value is PgPool {
  return has(value, 'query', 'connect') && typeof (value as PgPool).totalCount === 'number'
}

export function isPgClient(value: unknown): value is PgClient {
  return has(value, 'query', 'connect', 'on', 'off') && !isPgPool(value)
}
