import type { Change, Version } from '../../contract/backend.js'
import { warn } from '../../warnings/warnings.js'
import { type Head, type Parts, type Past, parseHead, parsePart, pastSince, pastWithParts, versionOf } from './head.js'
import { Initializer } from './initializer.js'
import type { Position } from './mirror.js'
import { type Names, unescapeKey } from './names.js'
import type { Session } from './session.js'
import { fromData, type Stored } from './stored.js'
import type { Znode } from './transport.js'
import { Survey } from './unread.js'

/** The number of znodes to read at a time. */
const CHUNK = 500

/** How many names of reported foreign znodes are remembered. */
const REMEMBERED = 1_000

/** The longest list of children that is read to watch them, in bytes. */
const SHORT_LIST = 16_384

/** The head, and the keys that were read directly after it. */
export interface Found {
  readonly position: Position
  /** The session's mark at the answer; the read has set a watch. */
  readonly mark: number
  /** Znodes of keys, none of which was read before the head. */
  readonly keys: ReadonlyMap<string, Znode | undefined>
}

/** The changes that lead to a head. */
export type Leading =
  | { readonly type: 'changes'; readonly changes: readonly Change<Stored>[] }
  /** The head changed before these keys were read. Try again and read them together with it. */
  | { readonly type: 'again'; readonly keys: Iterable<string> }
  /** Everything must be loaded. */
  | { readonly type: 'gap' }

/** All keys and values, though not of one moment. */
export interface All {
  readonly entries: Map<string, Stored>
  /** The transactions that last changed them. */
  readonly zxids: ReadonlyMap<string, bigint>
}

/** Reads the znodes of one dictionary, and creates those that must exist. */
export class Znodes {
  readonly #session: Session
  readonly #names: Names
  readonly #initializer: Initializer
  /** Reported names of children that are not keys. */
  readonly #reported = new Set<string>()

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
    this.#initializer = new Initializer(session, names)
  }

  /** From now on nothing is created or written. */
  restrictToReads(): void {
    this.#initializer.readOnly = true
  }

  /** @throws TypeError if the path is a key of another dictionary, or is below one. */
  async checkPlace(): Promise<void> {
    const { path, versionsAbove } = this.#names
    const above = await Promise.all(versionsAbove.map(version => this.#session.exists(version)))
    const outer = versionsAbove.find((_, index) => above[index]?.value)
    if (outer === undefined) return
    const other = outer.slice(0, outer.lastIndexOf('/'))
    throw new TypeError(
      `No dictionary can be at ${path}: it is below the dictionary at ${other}, whose children are its keys. Choose a path ` +
        'outside that dictionary.',
    )
  }

  /**
   * Returns the head and watches it. Returns `undefined` if the head had to be created first.
   *
   * @param keys - keys to read directly after it.
   */
  async find(keys: Iterable<string> = []): Promise<Found | undefined> {
    const asked = this.#session.getData(this.#names.version, true)
    const reading = this.#readKeys([...keys])
    reading.catch(() => {})
    const { value, mark } = await asked
    const head = value && this.#parse(value)
    if (value && head) {
      const position = { head, znode: value.stat.version, zxid: value.stat.mzxid }
      return { position, mark, keys: await reading }
    }
    await this.#initializer.startHistory(value, value !== undefined)
    return undefined
  }

  /** Starts a new history with the existing entries, unless another process is faster. */
  async cut(): Promise<void> {
    const { value } = await this.#session.getData(this.#names.version)
    // Throws if the format is a later one.
    if (value) this.#parse(value)
    await this.#initializer.startHistory(value)
  }

  /**
   * Returns how many children of the path were created and deleted, and watches for more. Returns `undefined` if the
   * path is missing.
   *
   * @param nameBytes - the total length of the names of all keys' znodes.
   */
  async cversion({ nameBytes }: { readonly nameBytes: number }): Promise<number | undefined> {
    return (await this.#session.watchChildren(this.#names.path, nameBytes <= SHORT_LIST))?.cversion
  }

  /** Returns whether the head is still the one that was read. */
  async isStill({ znode }: Position): Promise<boolean> {
    return (await this.#session.exists(this.#names.version)).value?.version === znode
  }

  /** Returns the changes from a version to a head. Values that are too large for the log are read from their znodes. */
  async changesTo({ position, keys: early }: Found, base: Version): Promise<Leading> {
    if (versionOf(position.head) === base) return { type: 'changes', changes: [] }
    const past = await this.past(position.head, base)
    if (!('changes' in past)) return { type: 'gap' }
    const survey = new Survey(past.changes)
    const { keys } = survey
    const read = await this.#readKeys([...keys].filter(key => !early.has(key)))
    const znodes = Array.from(keys, key => [key, early.has(key) ? early.get(key) : read.get(key)] as const)
    // By a later write. If by an external writer, its value is used.
    const isAltered = znodes.some(([, znode]) => !znode || znode.stat.mzxid > position.zxid)
    if (isAltered && !(await this.isStill(position))) return { type: 'again', keys }
    const values = znodes.map(([key, znode]) => [key, znode && fromData(znode.data)] as const)
    return { type: 'changes', changes: survey.complete(new Map(values)) }
  }

  /** Returns the changes from a version to a head. Reads the earlier parts if the log does not reach back far enough. */
  async past(head: Head, since: Version): Promise<Past> {
    const past = pastSince(head, since)
    if ('changes' in past || past.diverged) return past
    return pastWithParts(head, await this.parts(), since)
  }

  /** Returns the current earlier parts of the log. */
  async parts(): Promise<Parts> {
    const paths = this.#names.parts
    const znodes = await Promise.all(paths.map(path => this.#session.getData(path)))
    const parts = znodes.map(({ value }) => value && parsePart(value.data))
    // An unused part is empty.
    const bad = parts.findIndex((part, index) => !part && (znodes[index]?.value?.data.length ?? 0) > 0)
    const damage = bad < 0 ? undefined : `an earlier part of the change log (znode ${paths[bad]})`
    return { read: parts.filter(part => part !== undefined), damage }
  }

  /** Returns `undefined` if the path is missing. */
  async all(progress: () => void): Promise<All | undefined> {
    const children = await this.#session.getChildren(this.#names.path)
    progress()
    if (!children) return undefined
    const entries = new Map<string, Stored>()
    const zxids = new Map<string, bigint>()
    const keys = children.names.flatMap(name => this.#keyOf(name))
    for (let start = 0; start < keys.length; start += CHUNK) {
      for (const [key, znode] of await this.#readKeys(keys.slice(start, start + CHUNK))) {
        if (!znode) continue
        entries.set(key, fromData(znode.data))
        zxids.set(key, znode.stat.mzxid)
      }
      progress()
    }
    return { entries, zxids }
  }

  async #readKeys(keys: readonly string[]): Promise<Map<string, Znode | undefined>> {
    const read = await Promise.all(keys.map(key => this.#session.getData(this.#names.key(key))))
    return new Map(keys.map((key, index) => [key, read[index]?.value]))
  }

  /** Returns the key of a child in a list, which is empty if the child is not a key. Reports such a child once. */
  #keyOf(name: string): string[] {
    if (this.#names.isReserved(name)) return []
    const key = unescapeKey(name)
    if (key !== undefined) return [key]
    this.#report(name)
    return []
  }

  /** Reports each child once, as long as its name is remembered. */
  #report(name: string): void {
    if (this.#reported.has(name)) return
    if (this.#reported.size >= REMEMBERED) this.#reported.clear()
    this.#reported.add(name)
    const { path } = this.#names
    const shown = this.#names.child(name.length > 100 ? `${name.slice(0, 100)}…` : name)
    const message = `The znode ${shown} is not a key of dictionary "${path}" and is ignored. Remove it if it should not be there.`
    warn('DURABLEDICT_FOREIGN_ZNODE', message, { source: path })
  }

  #parse(znode: Znode): Head | undefined {
    return parseHead(znode.data, this.#names.path)
  }
}
