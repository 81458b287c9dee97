/** The znode that stores the version. No key has this name: an escaped key has two digits after a percent sign. */
const VERSION = '%version'

/** The prefix of the znode that names the history of the version. */
const EPOCH = '%epoch-'

/** The prefix of the znodes with the log's earlier parts. */
const PART = '%log-'

/**
 * The znode above those of the history. Releases without a history treat it as a part of the log that they do not use: they
 * neither read nor report it.
 */
const HISTORY = `${PART}history`

/** The znode above the records of replicas. Earlier releases treat it in the same way. */
const REGISTRY = `${PART}replicas`

/** The number of earlier parts of the log, each in its own znode. */
export const PARTS = 4

/** The largest key, in bytes. */
const KEY_BYTES = 512

/**
 * The characters that a ZooKeeper path cannot contain: `/`, control characters, surrogates (so every character beyond
 * the first plane), private-use characters, and the last ones of the first plane. `%` is included because it escapes
 * them.
 */
const UNSAFE = /[\p{Cc}%/\ue000-\uf8ff\ufff0-\uffff]|[\u{10000}-\u{10ffff}]/gu

/** The paths of one dictionary. */
export class Names {
  readonly path: string
  readonly version: string
  /** The znode above those of the history. */
  readonly history: string
  /** The znode above the records of replicas. */
  readonly registry: string
  /** The length of a key's path without its name, in bytes. */
  readonly prefixBytes: number

  /** @param path - checked by {@link checkPath}. */
  constructor(path: string) {
    this.path = path
    this.version = `${path}/${VERSION}`
    this.history = `${path}/${HISTORY}`
    this.registry = `${path}/${REGISTRY}`
    this.prefixBytes = Buffer.byteLength(path) + 1
  }

  epoch(epoch: string): string {
    return `${this.path}/${EPOCH}${epoch}`
  }

  /** The path of a znode of the history. */
  historyEntry(name: string): string {
    return `${this.history}/${name}`
  }

  /** The path of the record of a replica. */
  record(id: string): string {
    return `${this.registry}/${id}`
  }

  /** Whether the path is of the registry. */
  isRegistry(path: string): boolean {
    return path === this.registry || path.startsWith(`${this.registry}/`)
  }

  /** Whether the path is of the history. */
  isHistory(path: string): boolean {
    return path === this.history || path.startsWith(`${this.history}/`)
  }

  /** The path of an earlier part of the log. */
  part(place: number): string {
    return `${this.path}/${PART}${place}`
  }

  /** The paths of all earlier parts of the log. */
  get parts(): string[] {
    return Array.from({ length: PARTS }, (_, place) => this.part(place))
  }

  key(key: string): string {
    return `${this.path}/${escapeKey(key)}`
  }

  /** Whether a child is reserved and not a key. */
  isReserved(name: string): boolean {
    return isReserved(name)
  }

  /** The version znodes that exist only if this path is inside another dictionary, which is at one of the paths above. */
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

/** Returns the name of a key's znode: the key, with characters that a path cannot contain percent-encoded as UTF-8. */
export function escapeKey(key: string): string {
  if (key === '.') return '%2E'
  if (key === '..') return '%2E%2E'
  return key.replace(UNSAFE, encodeURIComponent)
}

/** The reverse of {@link escapeKey}. Returns `undefined` if no key has that name. */
export function unescapeKey(name: string): string | undefined {
  const key = name.includes('%') ? decoded(name) : name
  if (key === undefined || !isKey(key)) return undefined
  return escapeKey(key) === name ? key : undefined
}

/** Returns whether the key is valid in a dictionary. */
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

/** @throws TypeError if no dictionary can be at that path. */
export function checkPath(path: unknown): string {
  if (typeof path !== 'string') throw wrong(`got a value of type ${path === null ? 'null' : typeof path}`)
  // Anything else may contain a password.
  if (!path.startsWith('/')) throw wrong('it does not begin with a slash. The path comes first, then the client')
  if (!path.isWellFormed() || !isPath(path)) throw wrong(`got ${quotedPath(path)}`)
  const reserved = path.split('/').find(isReserved)
  if (reserved !== undefined) throw wrong(`${quotedPath(path)} is a znode that is reserved for the dictionary itself`)
  return path
}

function quotedPath(path: string): string {
  return JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path)
}

function wrong(what: string): TypeError {
  return new TypeError(
    `The path of a ZookeeperDict must be the path of a znode below the root, such as /app/config: ${what}.`,
  )
}

function isPath(path: string): boolean {
  const [root, ...names] = path.split('/')
  const isName = (name: string) =>
    name !== '' && name !== '.' && name !== '..' && name.replaceAll('%', '').search(UNSAFE) < 0
  return root === '' && names.length > 0 && names[0] !== 'zookeeper' && names.every(isName)
}
