import type { DurableDict } from './dictionary/durable-dict.js'
import type { Open } from './dictionary/open.js'
import type { CommonOptions } from './dictionary/options.js'
import { RedisDict } from './redis-dict.js'
import { SqliteDict } from './sqlite-dict.js'
import { ZookeeperDict } from './zookeeper-dict.js'

type Opener = (url: string, options: CommonOptions | undefined) => Promise<DurableDict>

const OPENERS: Readonly<Record<string, Opener>> = {
  sqlite: (url, options) => SqliteDict.open(nameOf(url), pathOf(url), options),
  redis: (url, options) => RedisDict.open(redisNameOf(url), withoutName(url), options),
  rediss: (url, options) => RedisDict.open(redisNameOf(url), withoutName(url), options),
  zookeeper: (url, options) => {
    const [servers, path] = ensembleOf(url)
    return ZookeeperDict.open(path, servers, options)
  },
}

/**
 * Opens a dictionary by URL. It owns what it connects to: `close` ends that, too.
 *
 * - `sqlite:./app.db#settings`: the dictionary `settings` in the file `./app.db` (see `SqliteDict`). Characters that a URL
 * cannot hold are percent-encoded.
 * - `redis://localhost:6379/0#settings`, or `rediss://…`: the dictionary `settings` on that server (see `RedisDict`).
 * - `zookeeper://a:2181,b:2181/app/config`: the dictionary at the path `/app/config` of that ensemble (see `ZookeeperDict`).
 * `user:password@` before the servers is sent with the scheme `digest`.
 *
 * Rejects with `TypeError` for a URL that is none, has no name, or has a scheme not listed here; else as the dictionary's own
 * `open`.
 */
export const openDict = (async (given: string | URL, options?: CommonOptions) => {
  const url = String(given)
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  const opener = Object.hasOwn(OPENERS, scheme) ? OPENERS[scheme] : undefined
  if (!opener) throw unknownUrl(url)
  return opener(url, options)
}) as Open<[url: string | URL]>

/** What comes after the first `#`. */
function nameOf(url: string): string {
  const [, name] = /^[^:]+:[^#]+#(.+)$/s.exec(url) ?? []
  if (name === undefined) throw unknownUrl(url)
  return decoded(name, url)
}

/** A password that holds a `#` would become part of the name, and of messages. */
function redisNameOf(url: string): string {
  if (!/^[^#]*#[^#]*@/.test(url)) return nameOf(url)
  throw new TypeError(
    `openDict() takes redis://user:password@host:6379#settings; write # in the password as %23, and @ in the name as %40. ` +
      `It got ${describeUrl(url)}`,
  )
}

/** The connection string, and the path. */
function ensembleOf(url: string): [servers: string, path: string] {
  const [, servers, path] = /^[^:]+:\/\/([^/?#]+)(\/[^?#]+)$/.exec(url) ?? []
  if (servers === undefined || path === undefined) throw noEnsemble(url)
  return [servers, decoded(path, url)]
}

function withoutName(url: string): string {
  return url.slice(0, url.indexOf('#'))
}

function pathOf(url: string): string {
  const path = withoutName(url).slice(url.indexOf(':') + 1)
  // sqlite:///app.db is the file /app.db; what sqlite://app.db is meant to be cannot be known.
  if (/^\/\/[^/]/.test(path) || path.includes('?')) throw noHost(url)
  return decoded(path.replace(/^\/\//, ''), url)
}

function noHost(url: string): TypeError {
  return new TypeError(
    `openDict() takes sqlite:./app.db#settings or sqlite:/data/app.db#settings, with neither host nor query (a question ` +
      `mark in the file's name is written %3F); got ${describeUrl(url)}.`,
  )
}

function noEnsemble(url: string): TypeError {
  return new TypeError(
    `openDict() takes zookeeper://a:2181,b:2181/app/config: servers, then the path of the dictionary, with neither query nor ` +
      `fragment; got ${describeUrl(url)}.`,
  )
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new TypeError(`openDict() cannot read ${describeUrl(url)}: write a percent sign as %25.`, { cause })
  }
}

function unknownUrl(url: string): TypeError {
  const schemes = Object.keys(OPENERS).map(scheme => `${scheme}:`)
  return new TypeError(
    `openDict() takes a URL that ends with # and the dictionary's name, such as sqlite:./app.db#settings, or with its path, ` +
      `such as zookeeper://a:2181,b:2181/app/config. It begins with ` +
      `one of ${schemes.join(', ')}; got ${describeUrl(url)}.`,
  )
}

/** The longest URL of which anything is shown, in characters. */
const MAX_URL = 500

/**
 * The scheme of a URL, and its host if it is certain which part that is. Nothing else is shown: a password may stand anywhere in a URL
 * that cannot be read.
 */
function describeUrl(url: string): string {
  if (url.length > MAX_URL) return `a URL of ${url.length} characters`
  const [, scheme, authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*:)\/\/([^/?#]*)(.*)$/is.exec(url) ?? []
  if (scheme === undefined) return /^sqlite:/i.test(url) ? 'a URL that begins with sqlite:' : 'a URL without a host'
  const [host, ...credentials] = authority.split('@').reverse()
  const certain = credentials.length <= 1 && !rest.includes('@') && URL.canParse(`${scheme}//${host}`)
  if (!certain) return `a URL that begins with ${scheme}`
  return credentials.length === 0 ? `${scheme}//${host}…` : `${scheme}//…@${host}…`
}
