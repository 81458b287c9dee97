import { PARTS } from './head.js'

/** The znode that carries the version. No key is escaped to it: a percent sign comes before two digits there. */
const VERSION = '%version'

/** What the znode begins with that shows which history the version is of. */
const EPOCH = '%epoch-'

/** What the znodes of the log's earlier parts begin with. */
const PART = '%log-'

/** The largest key, in bytes. */
const KEY_BYTES = 512

/**
 * What a path of ZooKeeper cannot hold: `/` and control characters, surrogates (so all beyond the first plane), characters
 * for private use and the last ones of the first plane; and `%`, which escapes them.
 */
const UNSAFE = /[\p{Cc}%/\ue000-\uf8ff\ufff0-\uffff]|[\u{10000}-\u{10ffff}]/gu

/** The paths of one dictionary. */
export class Names {
  readonly path: string
  readonly version: string
  /** What one key's path takes beyond its name, in bytes. */
  readonly prefixBytes: number

  /** @param path - checked by {@link checkPath}. */
  constructor(path: string) {
    this.path = path
    this.version = `${path}/${VERSION}`
    this.prefixBytes = Buffer.byteLength(path) + 1
  }

  epoch(epoch: string): string {
    return `${this.path}/${EPOCH}${epoch}`
  }

  /** The znode of one of the log's earlier parts. */
  part(place: number): string {
    return `${this.path}/${PART}${place}`
  }

  /** The znodes of all of them. */
  get parts(): string[] {
    return Array.from({ length: PARTS }, (_, place) => this.part(place))
  }

  key(key: string): string {
    return `${this.path}/${escapeKey(key)}`
  }

  /** A child that is not to be read as a key. */
  isReserved(name: string): boolean {
    return isReserved(name)
  }

  /** The znodes that are there only if this path belongs to another dictionary: one of those above is its. */
  get versionsAbove(): string[] {
    const names = this.path.split('/').slice(1, -1)
    return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}/${VERSION}`)
  }

  child(name: string): string {
    return `${this.path}/${name}`
  }

  /** @param path - of a child. */
  isEpoch(path: string): boolean {
    return path.startsWith(EPOCH, this.path.length + 1)
  }
}

/** The name of a key's znode: the key itself, but for what a path cannot hold, which is percent-encoded as UTF-8. */
export function escapeKey(key: string): string {
  if (key === '.') return '%2E'
  if (key === '..') return '%2E%2E'
  return key.replace(UNSAFE, encodeURIComponent)
}

/** The reverse of {@link escapeKey}; nothing where no key has that name. */
export function unescapeKey(name: string): string | undefined {
  const key = name.includes('%') ? decoded(name) : name
  if (key === undefined || !isKey(key)) return undefined
  return escapeKey(key) === name ? key : undefined
}

/** Whether a dictionary can have that key. */
export function isKey(key: string): boolean {
  return key !== '' && key.isWellFormed() && Buffer.byteLength(key) <= KEY_BYTES
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}

function isReserved(name: string): boolean {
  return name === VERSION || name.startsWith(EPOCH) || name.startsWith(PART)
}

/** @throws TypeError unless a dictionary can be at that path. */
export function checkPath(path: unknown): string {
  if (typeof path !== 'string') throw wrong(`got a value of type ${path === null ? 'null' : typeof path}`)
  // Whatever else it is may contain a password.
  if (!path.startsWith('/')) throw wrong('it does not begin with a slash. The path comes first, then the client')
  if (!path.isWellFormed() || !isPath(path)) throw wrong(`got ${quotedPath(path)}`)
  const reserved = path.split('/').find(isReserved)
  if (reserved !== undefined) throw wrong(`${quotedPath(path)} is a znode that a dictionary keeps for itself`)
  return path
}

function quotedPath(path: string): string {
  return JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path)
}

function wrong(what: string): TypeError {
  return new TypeError(
    `The path of a ZookeeperDict must be one of a znode below the root, such as /app/config: ${what}.`,
  )
}

function isPath(path: string): boolean {
  const [root, ...names] = path.split('/')
  const isName = (name: string) =>
    name !== '' && name !== '.' && name !== '..' && name.replaceAll('%', '').search(UNSAFE) < 0
  return root === '' && names.length > 0 && names[0] !== 'zookeeper' && names.every(isName)
}
