import { type ListeningClient, ListeningConnection } from '../../sql/notifications/listening-connection.js'
import type { ChannelListener, ListenContext } from './client.js'
import { isPgPool, type PgClient, type PgPool } from './shapes.js'

/** A class of `pg`. */
type Connectable = new (settings: object) => ListeningClient & { connect(): Promise<unknown> }

/** Listens on one connection for all dictionaries of a pool or a client, with the settings of that pool or client. */
export async function listenWithPg(
  source: PgPool | PgClient,
  channel: string,
  { notified, interrupted }: ChannelListener,
  { dictionary, timeout }: ListenContext,
): Promise<() => Promise<void>> {
  const connection = ListeningConnection.of(() => connectLike(source), source)
  const subscription = {
    listen: () => connectLike(source),
    channel,
    timeout,
    dictionary,
    changed: notified,
    interrupted,
  }
  await connection.join(subscription)
  return () => connection.leave(subscription)
}

/** A connection of its own: it takes no place in the pool. */
async function connectLike(source: PgPool | PgClient): Promise<ListeningClient> {
  const { Client, settings } = isPgPool(source) ? ofPool(source) : ofClient(source)
  const client = new Client(settings)
  // Until the listening connection has its own listeners.
  client.on('error', () => {})
  await client.connect()
  return client
}

function ofPool(pool: PgPool): { readonly Client: Connectable; readonly settings: object } {
  return { Client: (pool as unknown as { Client: Connectable }).Client, settings: pool.options ?? {} }
}

function ofClient(client: PgClient): { readonly Client: Connectable; readonly settings: object } {
  const { host, port, user, database, password, ssl } = client as unknown as Record<string, unknown>
  return { Client: client.constructor as Connectable, settings: { host, port, user, database, password, ssl } }
}
