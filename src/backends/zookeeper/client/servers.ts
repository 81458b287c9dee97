import type { Credentials } from './packets.js'

/** The parsed connection string. */
export interface Target {
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** The prefix of every path; '' if there is none. */
  readonly chroot: string
  readonly credentials: readonly Credentials[]
}

const DEFAULT_PORT = 2181

/**
 * Parses `a:2181,b:2181/chroot`. It may begin with `zookeeper://` and with `user:password@`, which is percent-decoded
 * and sent with the scheme `digest`.
 *
 * @throws TypeError if it is malformed.
 */
export function parseServers(given: string): Target {
  const text = given.replace(/^zookeeper:\/\//i, '')
  const at = text.lastIndexOf('@')
  const [list = '', ...path] = text.slice(at + 1).split('/')
  const servers = list.split(',').filter(Boolean).map(toServer)
  const chroot = path.length === 0 || path.join('/') === '' ? '' : `/${path.join('/').replace(/\/+$/, '')}`
  if (servers.length === 0 || /\/\//.test(chroot)) throw wrong()
  return { servers, chroot, credentials: at < 0 ? [] : [toCredentials(text.slice(0, at))] }
}

function toCredentials(user: string): Credentials {
  try {
    return { scheme: 'digest', auth: Buffer.from(decodeURIComponent(user)) }
  } catch (cause) {
    throw new TypeError(
      'The credentials in a connection string must be percent-encoded: write a percent sign as %25.',
      {
        cause,
      },
    )
  }
}

function toServer(text: string): { host: string; port: number } {
  const [, host, port] = /^(\[[^\]]+\]|[^:[\]\s]+)(?::(\d+))?$/.exec(text) ?? []
  if (host === undefined || (port !== undefined && !isPort(Number(port)))) throw wrong()
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) }
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

/** The error contains no part of the connection string, because any part may be a password. */
function wrong(): TypeError {
  return new TypeError(
    'A connection string must name servers, such as a:2181,b:2181, with ports from 1 to 65535. It may begin with credentials, such ' +
      'as user:password@ (percent-encoded), and may end with a path that exists, such as /chroot.',
  )
}
