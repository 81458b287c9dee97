import { StoreUnavailableError } from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { within } from '../../time/within.js'
import { toAcl, type ZookeeperAcl } from './acl.js'
import { OwnSession } from './client/own-session.js'
import { parseServers } from './client/servers.js'
import { ClientSession } from './node-zookeeper-client.js'
import { checkClient, checkClientAcl, type ZookeeperClient } from './node-zookeeper-shape.js'
import type { Transport, TransportEvents } from './transport.js'
import { ZookeeperBackend } from './zookeeper-backend.js'

/** The default session timeout to request, in ms. */
const SESSION_TIMEOUT = 10_000

/** The options of a connection. */
export interface ConnectOptions {
  readonly acl?: readonly ZookeeperAcl[] | undefined
  readonly sessionTimeout?: number | undefined
}

/**
 * Returns a function that opens a session: on the caller's client, or, for a connection string, on a connection of
 * the library.
 *
 * @throws TypeError if the client is neither, or if an option is invalid.
 */
export function opener(
  client: unknown,
  { acl, sessionTimeout }: ConnectOptions = {},
): (events: TransportEvents) => Transport {
  const plain = toAcl(acl)
  if (typeof client === 'string') {
    const target = parseServers(client)
    return events => new OwnSession({ target, acl: plain, timeout: sessionTimeout ?? SESSION_TIMEOUT }, events)
  }
  const checked: ZookeeperClient = checkClient(client)
  checkClientAcl(acl)
  if (sessionTimeout !== undefined) {
    throw new TypeError('Option "sessionTimeout" is for connection strings only: set it on your client instead.')
  }
  return events => new ClientSession(checked, acl, plain, events)
}

/**
 * Returns a backend with a connected session.
 *
 * @throws StoreUnavailableError if it is not connected within `timeout`, in ms; the signal's reason if the signal is
 * aborted first.
 */
export async function connect(
  path: string,
  open: (events: TransportEvents) => Transport,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<ZookeeperBackend> {
  const backend = new ZookeeperBackend(path, open, timeout)
  try {
    // The timer keeps the process alive, which the session does not.
    await within(timeout, () => backend.ready(), signal)
    return backend
  } catch (cause) {
    const { fault, label } = backend
    await backend.close()
    signal?.throwIfAborted()
    if (cause instanceof StoreUnavailableError || cause instanceof TypeError) throw cause
    const reason = fault ? describeError(fault) : `It did not answer within ${timeout} ms.`
    throw new StoreUnavailableError(`No session with ${label}: ${reason}`, { dictionary: path, cause: fault ?? cause })
  }
}
