import { orAborted } from '../../../time/or-aborted.js'
import { inOwnContext } from '../../sql/own-context.js'
import { unexpected } from '../../sql/replies.js'
import { closeConnection, withinLimit } from '../../sql/statement-limit.js'
import { type Cells, NotSent, type PostgresClient, type Statement, toCell } from './client.js'
import { listenWithPg } from './pg-listening.js'
import { isPgPool, type PgClient, type PgPool } from './shapes.js'

/** Values as the database sends them, whatever the application has set for its own statements. */
const RAW = { getTypeParser: () => (value: unknown) => value }

/** A pool or a client of `pg`. */
export class PgDatabase implements PostgresClient {
  readonly library = 'pg'
  readonly source: PgPool | PgClient

  constructor(source: PgPool | PgClient) {
    this.source = source
  }

  run(statement: Statement, signal: AbortSignal | undefined, limit: number): Promise<readonly Cells[]> {
    return inOwnContext(() => this.#run(statement, signal, limit))
  }

  listen: PostgresClient['listen'] = (channel, listener, context) =>
    listenWithPg(this.source, channel, listener, context)

  async #run(statement: Statement, signal: AbortSignal | undefined, limit: number): Promise<readonly Cells[]> {
    const client = await this.#connected(signal)
    let isLost = false
    const discard = () => {
      isLost = true
      closeConnection(client)
    }
    const reply = withinLimit(() => client.query(toQuery(statement)), limit, discard)
    // A caller that gives up leaves the connection to the statement until it is answered.
    if (isPgPool(this.source)) reply.finally(() => release(client, isLost)).catch(() => {})
    return rowsOf(await (signal ? orAborted(reply, signal) : reply))
  }

  /** A connection that comes too late goes back to the pool. */
  async #connected(signal: AbortSignal | undefined): Promise<PgClient> {
    const source = this.source
    if (signal?.aborted) throw new NotSent(signal.reason)
    if (!isPgPool(source)) return source
    const connecting = connected(source)
    try {
      return await (signal ? orAborted(connecting, signal) : connecting)
    } catch (error) {
      connecting.then(
        client => release(client, false),
        () => {},
      )
      throw new NotSent(error)
    }
  }
}

/**
 * A connection of the pool, with a listener from the moment it is handed out. What ends it may arrive together with what opened it,
 * so a promise would resolve too late.
 */
function connected(pool: PgPool): Promise<PgClient> {
  return new Promise((resolve, reject) => {
    const receive = (client: PgClient) => {
      client.on('error', ignore)
      resolve(client)
    }
    const promised = pool.connect((error, client) => (client ? receive(client) : reject(error)))
    if (promised instanceof Promise) promised.then(receive, reject)
  })
}

/** The statement rejects as well. Without a listener, a lost connection that is in use would end the process. */
function ignore(): void {}

function release(client: PgClient, isLost: boolean): void {
  client.release?.(isLost)
  client.off('error', ignore)
}

function toQuery({ text, values, name }: Statement): object {
  const query = { text, rowMode: 'array', types: RAW }
  return values ? { ...query, values, ...(name !== undefined && { name }) } : query
}

/** Several statements have several results. */
function rowsOf(reply: unknown): readonly Cells[] {
  const { rows } = Object(Array.isArray(reply) ? reply.at(-1) : reply) as { rows?: unknown }
  return toRows('pg', rows)
}

/** @throws StoreUnavailableError for a reply of another shape. */
export function toRows(library: string, rows: unknown): readonly Cells[] {
  if (!Array.isArray(rows) || !rows.every(Array.isArray)) throw unexpected(library, 'rows as arrays', rows)
  return rows.map((row: readonly unknown[]) => row.map(toCell))
}
