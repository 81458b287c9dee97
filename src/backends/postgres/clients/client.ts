/** The cells of a row: text, or NULL. */
export type Cells = readonly (string | null)[]

/** Statements of the library. They select text only, so that no conversion of a driver applies. */
export interface Statement {
  readonly text: string
  /** For `$1`, `$2`, … Without any, the text is sent by the simple protocol, as one transaction. */
  readonly values?: readonly (string | null)[] | undefined
  /** The name under which the database keeps the prepared statement. Default: it keeps none. */
  readonly name?: string | undefined
}

/** Receives the notifications of a channel. */
export interface ChannelListener {
  notified(payload: string): void
  /** The connection was lost, or is there again. */
  interrupted(cause: unknown): void
}

/** A database, through one of the supported drivers. */
export interface PostgresClient {
  readonly library: string
  /** What the application passed. Dictionaries on the same one share statements. */
  readonly source: object
  /** Matches what the driver's text cannot contain. Default: what the database's cannot. */
  readonly unsafe?: RegExp | undefined
  /**
   * Runs statements in a transaction of their own, and resolves with the rows of the last one after the commit.
   *
   * @param signal - when it is aborted, this rejects immediately. Nothing is sent after that.
   * @param limit - how long the database may take to answer before the connection is closed, in ms.
   * @throws NotSent if the database has not received the statements.
   */
  run(statement: Statement, signal: AbortSignal | undefined, limit: number): Promise<readonly Cells[]>
  /** Listens to a channel, on a connection of its own. Returns a function that ends this. */
  listen(channel: string, listener: ChannelListener, context: ListenContext): Promise<() => Promise<void>>
  /** Ends what the library itself has opened. */
  close?(): Promise<void>
}

/** What is needed besides the channel. */
export interface ListenContext {
  readonly dictionary: string
  /** In ms. */
  readonly timeout: number
}

/** The statements did not reach the database. */
export class NotSent extends Error {
  constructor(cause: unknown) {
    super('The statement was not sent', { cause })
  }
}

/** A cell as text: drivers return bytes for raw values. */
export function toCell(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  return typeof value === 'string' ? value : String(value)
}
