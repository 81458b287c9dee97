import { DOCS } from '../../warnings/docs.js'
import { warn } from '../../warnings/warnings.js'
import type { Emitter, Recognized } from './clients.js'

/** Checked clients: each causes at most one warning of each kind. */
const checked = new WeakSet<object>()

/**
 * Warns, once for each client, about missing settings without which it stays connected to a server that is silent or
 * was replaced, and about a missing listener for `error`. Call it before you add listeners to the client.
 *
 * @param user - what uses the client, for the message: 'dictionary "settings"'.
 */
export function checkSettings({ kind, client }: Recognized, user: string): void {
  if (checked.has(client)) return
  checked.add(client)
  const missing = missingSettings(kind, client)
  if (missing.length > 0) {
    warn(
      'DURABLEDICT_CLIENT_SETTINGS',
      `The ${kind} client of ${user} does not set ${missing.join(', ')}. Without it the client stays connected to a server that no longer ` +
        `answers or was replaced, for minutes or for ever. See ${DOCS}/redis.html#settings-for-your-client for the settings.`,
      { source: user },
    )
  }
  if (countListeners(client) === 0) {
    warn(
      'DURABLEDICT_CLIENT_ERRORS',
      `The ${kind} client of ${user} has no listener for "error": a lost connection may end the process. ` +
        "Add client.on('error', …) before you connect.",
      { source: user },
    )
  }
}

function countListeners(client: Emitter): number | undefined {
  return (client as Partial<NodeJS.EventEmitter>).listenerCount?.('error')
}

interface SocketOptions {
  readonly socketTimeout?: unknown
  readonly reconnectStrategy?: unknown
}

interface NodeRedisOptions {
  readonly socket?: SocketOptions
  readonly pingInterval?: unknown
}

interface IoredisOptions {
  readonly socketTimeout?: unknown
  readonly sentinels?: unknown
  readonly failoverDetector?: unknown
  readonly slotsRefreshInterval?: unknown
  readonly redisOptions?: { readonly socketTimeout?: unknown }
}

/** Returns the names of missing settings, as far as the client exposes its settings. */
function missingSettings(kind: Recognized['kind'], client: object): string[] {
  const { options, _options } = client as { options?: object; _options?: { defaults?: object } }
  switch (kind) {
    case 'node-redis':
      return ofNodeRedis(options, '')
    case 'node-redis cluster':
      return _options ? ofNodeRedis(_options.defaults ?? {}, 'defaults.') : []
    case 'ioredis':
      return ofIoredis(options)
    case 'ioredis cluster':
      return ofIoredisCluster(options)
    default:
      return []
  }
}

function ofNodeRedis(options: NodeRedisOptions | undefined, prefix: string): string[] {
  if (!options) return []
  const { socket = {}, pingInterval } = options
  const names: string[] = []
  if (!socket.socketTimeout) names.push(`${prefix}socket.socketTimeout`)
  if (!pingInterval) names.push(`${prefix}pingInterval`)
  // By default it stops reconnecting after a socket timeout.
  if (socket.reconnectStrategy === undefined) names.push(`${prefix}socket.reconnectStrategy`)
  return names
}

function ofIoredis(options: IoredisOptions | undefined): string[] {
  if (!options) return []
  const names = options.socketTimeout ? [] : ['socketTimeout']
  return options.sentinels && !options.failoverDetector ? [...names, 'failoverDetector'] : names
}

function ofIoredisCluster(options: IoredisOptions | undefined): string[] {
  if (!options || options.redisOptions?.socketTimeout || options.slotsRefreshInterval) return []
  return ['redisOptions.socketTimeout']
}
