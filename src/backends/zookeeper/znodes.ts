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

/** How many znodes are read at a time. */
const CHUNK = 500

/** How many names of foreign znodes are remembered as reported. */
const REMEMBERED = 1_000

/** What the names of children may take that are listed for the sake of a watch, in bytes. */
const SHORT_LIST = 16_384

/** What was read of the head, and right after it. */
export interface Found {
  readonly position: Position
  /** The session's mark at the answer, which has left a watch. */
  readonly mark: number
  /** Keys' znodes, none of them read before the head. */
  readonly keys: ReadonlyMap<string, Znode | undefined>
}

/** What leads to a head. */
export type Leading =
  | { readonly type: 'changes'; readonly changes: readonly Change<Stored>[] }
  /** The head has moved on before these keys were read: to be tried again, reading them together with it. */
  | { readonly type: 'again'; readonly keys: Iterable<string> }
  /** Only everything together can tell. */
  | { readonly type: 'gap' }

/** Reads what one dictionary has in its znodes, and makes those that must be there. */
export class Znodes {
  readonly #session: Session
  readonly #names: Names
  readonly #founder: Initializer
  /** Names of children that are no key's, as far as they were reported. */
  readonly #reported = new Set<string>()

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
    this.#founder = new Initializer(session, names)
  }

  /** From now on nothing is created or written. */
  restrictToReads(): void {
    this.#founder.readOnly = true
  }

  /** @throws TypeError if the path is that of another dictionary's key, or further below. */
  async checkPlace(): Promise<void> {
    const { path, versionsAbove } = this.#names
    const above = await Promise.all(versionsAbove.map(version => this.#session.exists(version)))
    const taken = versionsAbove.find((_, index) => above[index]?.value)
    if (taken === undefined) return
    const other = taken.slice(0, taken.lastIndexOf('/'))
    throw new TypeError(
      `No dictionary can be at ${path}: that is below the dictionary at ${other}, whose children are its keys. Choose a path ` +
        'beside it.',
    )
  }

  /**
   * The head, with a watch; nothing where it had to be made first.
   *
   * @param keys - to be read together with it, right after it.
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
    await this.#founder.found(value, value !== undefined)
    return undefined
  }

  /** Begins a new history, on what is there. */
  async cut(): Promise<void> {
    const { value } = await this.#session.getData(this.#names.version)
    // Throws for a later format.
    if (value) this.#parse(value)
    await this.#founder.found(value)
  }

  /**
   * How many children were created and deleted below the path, with a watch for more; nothing where it is missing.
   *
   * @param nameBytes - how much the names of all keys' znodes take.
   */
  async cversion({ nameBytes }: { readonly nameBytes: number }): Promise<number | undefined> {
    return (await this.#session.watchChildren(this.#names.path, nameBytes <= SHORT_LIST))?.cversion
  }

  /** Whether the head is still the one that was read there. */
  async isStill({ znode }: Position): Promise<boolean> {
    return (await this.#session.exists(this.#names.version)).value?.version === znode
  }

  /** What leads from a version to a head, with the values that the log has no room for, read from their znodes. */
  async changesTo({ position, keys: early }: Found, base: Version): Promise<Leading> {
    if (versionOf(position.head) === base) return { type: 'changes', changes: [] }
    const past = await this.past(position.head, base)
    if (!('changes' in past)) return { type: 'gap' }
    const survey = new Survey(past.changes)
    const { keys } = survey
    const read = await this.#readKeys([...keys].filter(key => !early.has(key)))
    const znodes = Array.from(keys, key => [key, early.has(key) ? early.get(key) : read.get(key)] as const)
    // By a later write; else by an external writer, whose value is as good as any.
    const isAltered = znodes.some(([, znode]) => !znode || znode.stat.mzxid > position.zxid)
    if (isAltered && !(await this.isStill(position))) return { type: 'again', keys }
    const values = znodes.map(([key, znode]) => [key, znode && fromData(znode.data)] as const)
    return { type: 'changes', changes: survey.complete(new Map(values)) }
  }

  /** What leads from a version to a head: as far as its log reaches, and beyond that, as far as the earlier parts do. */
  async past(head: Head, since: Version): Promise<Past> {
    const past = pastSince(head, since)
    if ('changes' in past || past.diverged) return past
    return pastWithParts(head, await this.parts(), since)
  }

  /** The earlier parts of the log, as they are now. */
  async parts(): Promise<Parts> {
    const paths = this.#names.parts
    const znodes = await Promise.all(paths.map(path => this.#session.getData(path)))
    const parts = znodes.map(({ value }) => value && parsePart(value.data))
    // One that was never used is empty.
    const bad = parts.findIndex((part, index) => !part && (znodes[index]?.value?.data.length ?? 0) > 0)
    const damage = bad < 0 ? undefined : `an earlier part of the change log (znode ${paths[bad]})`
    return { read: parts.filter(part => part !== undefined), damage }
  }

  /** All keys with their values, not of one moment; nothing where the path is missing. */
  async all(progress: () => void): Promise<Map<string, Stored> | undefined> {
    const children = await this.#session.getChildren(this.#names.path)
    progress()
    if (!children) return undefined
    const entries = new Map<string, Stored>()
    const keys = children.names.flatMap(name => this.#keyOf(name))
    for (let start = 0; start < keys.length; start += CHUNK) {
      for (const [key, znode] of await this.#readKeys(keys.slice(start, start + CHUNK))) {
        if (znode) entries.set(key, fromData(znode.data))
      }
      progress()
    }
    return entries
  }

  async #readKeys(keys: readonly string[]): Promise<Map<string, Znode | undefined>> {
    const read = await Promise.all(keys.map(key => this.#session.getData(this.#names.key(key))))
    return new Map(keys.map((key, index) => [key, read[index]?.value]))
  }

  /** The key of a child; none where it is no key's, which is reported once. */
  #keyOf(name: string): string[] {
    if (this.#names.isReserved(name)) return []
    const key = unescapeKey(name)
    if (key !== undefined) return [key]
    this.#report(name)
    return []
  }

  /** Once, as far as is remembered. */
  #report(name: string): void {
    if (this.#reported.has(name)) return
    if (this.#reported.size >= REMEMBERED) this.#reported.clear()
    this.#reported.add(name)
    const { path } = this.#names
    const shown = this.#names.child(name.length > 100 ? `${name.slice(0, 100)}…` : name)
    const message = `The znode ${shown} is no key of dictionary "${path}", and is left alone.`
    warn('DURABLEDICT_FOREIGN_ZNODE', message, { source: path })
  }

  #parse(znode: Znode): Head | undefined {
    return parseHead(znode.data, this.#names.path)
  }
}
