import { onAbort } from '../../../time/on-abort.js'
import { inOwnContext } from '../../sql/own-context.js'
import { type Cells, NotSent, type PostgresClient, type Statement } from './client.js'
import { toRows } from './pg.js'
import type { PostgresJs } from './shapes.js'

/** A query of postgres.js. `state` is set once it is sent on a connection, which takes its text from `strings` and `args`. */
interface Query extends PromiseLike<unknown> {
  readonly state?: unknown
  strings?: unknown
  args?: unknown
  cancelled?: unknown
  raw(): Query
  execute(): Query
  cancel(): unknown
}

/** A statement without effect. */
const NOTHING = 'SELECT 1'

/** A client of postgres.js. It exposes no connection, so that one which does not answer cannot be closed. */
export class PostgresJsDatabase implements PostgresClient {
  readonly library = 'postgres.js'
  readonly source: PostgresJs

  constructor(sql: PostgresJs) {
    this.source = sql
  }

  async run({ text, values, name }: Statement, signal: AbortSignal | undefined): Promise<readonly Cells[]> {
    if (signal?.aborted) throw new NotSent(signal.reason)
    const prepare = name !== undefined && this.source.options?.prepare !== false
    const options = { prepare, simple: values === undefined }
    const query: Query = inOwnContext(() =>
      this.source
        .unsafe(text, values ? [...values] : [], options)
        .raw()
        .execute(),
    )
    return toRows('postgres.js', lastOf(await answered(query, signal)))
  }

  listen: PostgresClient['listen'] = async (channel, { notified, interrupted }) => {
    let isListening = false
    const onListen = () => {
      // It listens again: nobody was notified of what happened meanwhile.
      if (isListening) interrupted(new Error('The connection that listens was lost.'))
      isListening = true
    }
    const { unlisten } = await inOwnContext(() => this.source.listen(channel, notified, onListen))
    return unlisten
  }
}

/** A query that waits for a connection is withdrawn when the signal is aborted. */
function answered(query: Query, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const forgetSignal = onAbort(signal, () => {
      reject(withdraw(query) ? new NotSent(signal?.reason) : signal?.reason)
    })
    query.then(resolve, error => reject(isUnsent(error) ? new NotSent(error) : error)).then(forgetSignal)
  })
}

/**
 * Makes sure that a query is never sent, if that is still possible. One that a new connection is to begin with stays there: if it were
 * only cancelled, postgres.js would send nothing on that connection, ever. So it becomes one that does nothing.
 */
function withdraw(query: Query): boolean {
  const isSent = query.state !== undefined && query.state !== null
  if (isSent || !Array.isArray(query.strings) || !Array.isArray(query.args)) return false
  query.strings = [NOTHING]
  query.args = []
  query.cancel()
  query.cancelled = null
  return true
}

/** It could not connect. */
function isUnsent(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown }
  return code === 'CONNECT_TIMEOUT' || code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'CONNECTION_ENDED'
}

/** Several statements have several results. */
function lastOf(reply: unknown): unknown {
  const results = reply as readonly { readonly statement?: unknown }[]
  const isOne = (results as { readonly command?: unknown }).command !== undefined
  return [...((isOne ? results : (results.at(-1) as unknown)) as Iterable<unknown>)]
}
