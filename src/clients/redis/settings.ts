import { DOCS } from '../../warnings/docs.js'
import { warn } from '../../warnings/warnings.js'
import type { Emitter, Recognized } from './clients.js'

/** Clients that were looked at: each is warned of once. */
const known = new WeakSet<object>()

/**
 * Warns, once for each client, of settings without which it stays with a server that is silent or was replaced, and of a missing
 * listener for `error`. To be called before anything listens to the client.
 *
 * @param user - what uses the client, for the message: 'dictionary "settings"'.
 */
export function checkSettings({ kind, client }: Recognized, user: string): void {
  if (known.has(client)) return
  known.add(client)
  const missing = missingSettings(kind, client)
  if (missing.length > 0) {
    warn(
      'DURABLEDICT_CLIENT_SETTINGS',
      `The ${kind} client of ${user} does not set ${missing.join(', ')}. Without it the client stays with a server that no longer ` +
        `answers or was replaced, for minutes or for ever. ${DOCS}/redis.html#settings-for-your-client lists the settings.`,
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

/** As far as the client shows them. */
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
  // By default it gives up for good after a socket timeout.
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
