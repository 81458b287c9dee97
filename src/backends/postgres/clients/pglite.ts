import { orAborted } from '../../../time/or-aborted.js'
import { UNSAFE } from '../../sql/escape.js'
import { inOwnContext } from '../../sql/own-context.js'
import { type Cells, NotSent, type PostgresClient, type Statement } from './client.js'
import { toRows } from './pg.js'
import type { PgLite } from './shapes.js'

/** The type `text`: as it is, whatever the application has set for its own statements. */
const TEXT = 25
const OPTIONS = { rowMode: 'array', parsers: { [TEXT]: (value: string) => value } }

/** PostgreSQL inside this process. */
export class PgLiteDatabase implements PostgresClient {
  readonly library = 'PGlite'
  // It removes a byte order mark at the beginning of a text.
  readonly unsafe = new RegExp(`${UNSAFE.source}|^\ufeff`, UNSAFE.flags)
  readonly source: PgLite

  constructor(database: PgLite) {
    this.source = database
  }

  async run({ text, values }: Statement, signal: AbortSignal | undefined): Promise<readonly Cells[]> {
    if (signal?.aborted) throw new NotSent(signal.reason)
    const reply = inOwnContext(() =>
      values ? this.source.query(text, [...values] as never[], OPTIONS) : this.source.exec(text, OPTIONS),
    )
    const result = await (signal ? orAborted(reply, signal) : reply)
    const { rows } = Object(Array.isArray(result) ? result.at(-1) : result) as { rows?: unknown }
    return toRows(this.library, rows)
  }

  listen: PostgresClient['listen'] = (channel, { notified }) =>
    inOwnContext(() => this.source.listen(channel, notified))
}
