import { builtin } from '../../process/builtin.js'
import { isCount } from './members.js'
import { escapeKey, unescapeKey } from './names.js'

/** The longest key, escaped, that a name contains. A longer one is represented by its hash. */
const KEY_LIMIT = 40

/** Positions are smaller: after a foreign znode of that name, there is still room for all commits to come. */
const POSITION_LIMIT = 2 ** 50

/** The most commits that fit into a KiB: each takes a line. */
const MOST_PER_KIB = 80

const NAME = /^(\d{10,16})\.(\d{1,9})\.(\d{1,6})([=~].+)?$/s

/** What the name of a history znode says about its commits: those of one transaction. */
export interface EntryName {
  /** With its folder, if it is in one. */
  readonly name: string
  /** The position of its first commit. */
  readonly first: number
  /** How many commits the transaction had. */
  readonly count: number
  /** Its size, in KiB. */
  readonly kib: number
  /** The mark of the only key that its only commit touched; see {@link markOf}. `undefined`: read the znode. */
  readonly mark: string | undefined
}

/**
 * The name of the znode with the commits of a transaction, such as `0000000012.1.1=theme`: the position of the first one, how
 * many there are, the size in KiB, and the key if there is only one.
 */
export function entryName(first: number, count: number, bytes: number, mark = ''): string {
  return `${String(first).padStart(10, '0')}.${count}.${Math.ceil(bytes / 1_024)}${mark}`
}

/**
 * Returns `undefined` if no transaction has that name.
 *
 * @param folder - the name of its folder and a slash.
 */
export function parseEntryName(name: string, folder = ''): EntryName | undefined {
  const [, first, count, kib, mark] = NAME.exec(name) ?? []
  if (!isCount(Number(first)) || Number(first) + Number(count) > POSITION_LIMIT) return undefined
  if (Number(count) > Number(kib) * MOST_PER_KIB) return undefined
  return { name: folder + name, first: Number(first), count: Number(count), kib: Number(kib), mark }
}

/** The position of its last commit. */
export function lastOf({ first, count }: EntryName): number {
  return first + count - 1
}

/** The key or, if it is long, its hash, in the form in which names contain it. */
export function markOf(key: string): string {
  const escaped = escapeKey(key)
  if (escaped.length <= KEY_LIMIT) return `=${escaped}`
  return `~${builtin.crypto.createHash('sha256').update(key).digest('hex').slice(0, 16)}`
}

/** The key of a mark, unless the mark has its hash only. */
export function keyOfMark(mark: string): string | undefined {
  return mark.startsWith('=') ? unescapeKey(mark.slice(1)) : undefined
}
