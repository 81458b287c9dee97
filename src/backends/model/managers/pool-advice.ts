/** A pool of `pg`, as far as its settings can be seen. */
export interface PgPool {
  readonly options?: PgSettings
  listenerCount?(event: 'error'): number
}

/** Settings of `pg`. */
export interface PgSettings {
  readonly connectionTimeoutMillis?: unknown
  readonly query_timeout?: unknown
}

const CONNECTING =
  'a server that has gone silent keeps its connections waiting, until none is left: set connectionTimeoutMillis (5_000, say)'
const ASKING =
  'a statement that is not answered keeps its connection, until none is left: set query_timeout (a little more than the option "timeout")'
const LISTENER =
  "a lost connection that is idle ends the process, since the pool has no listener for it: pool.on('error', error => …)"

/** What is missing for connections to end that are being made. */
export function connectingAdvice(settings: PgSettings | undefined): string[] {
  return settings?.connectionTimeoutMillis ? [] : [CONNECTING]
}

/** What is missing for statements to end, with a library that hands out no connection. */
export function askingAdvice(settings: PgSettings | undefined): string[] {
  return settings?.query_timeout ? [] : [ASKING]
}

/** What a pool of the application's lacks. */
export function poolAdvice(pool: PgPool): string[] {
  return [...(pool.listenerCount?.('error') === 0 ? [LISTENER] : []), ...connectingAdvice(pool.options)]
}
