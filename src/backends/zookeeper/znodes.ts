import type { Change, Effect, Version } from '../../contract/backend.js'
import { Founder } from './founder.js'
import {
  type Head,
  type LoggedChange,
  type LoggedEffect,
  type Part,
  type Past,
  parseHead,
  parsePart,
  pastSince,
  versionOf,
  withParts,
} from './head.js'
import type { Position } from './mirror.js'
import { type Names, unescapeKey } from './names.js'
import type { Session } from './session.js'
import { fromData, type Stored } from './stored.js'
import type { Znode } from './transport.js'

/** How many znodes are read at a time. */
const CHUNK = 500

/** What the names of children may take that are listed for the sake of a watch, in bytes. */
const SHORT_LIST = 16_384

/** What was read of the head. */
export interface Found {
  readonly position: Position
  /** The session's mark at the answer, which has left a watch. */
  readonly mark: number
}

/** Reads what one dictionary has in its znodes, and makes those that must be there. */
export class Znodes {
  readonly #session: Session
  readonly #names: Names
  readonly #founder: Founder
  /** Names of children that are no key's, as far as they were reported. */
  readonly #reported = new Set<string>()

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
    this.#founder = new Founder(session, names)
  }

  /** The head, with a watch; nothing where it had to be made first. */
  async find(): Promise<Found | undefined> {
    const { value, mark } = await this.#session.getData(this.#names.version, true)
    const head = value && this.#parse(value)
    if (value && head) return { position: { head, znode: value.stat.version, zxid: value.stat.mzxid }, mark }
    await this.#founder.found(value, undefined)
    return undefined
  }

  /** Begins a new history, on what is there. */
  async cut(): Promise<void> {
    const { value } = await this.#session.getData(this.#names.version)
    await this.#founder.found(value, value && this.#parse(value))
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

  /**
   * What leads from a version to a head, with the values that the log has no room for, read from their znodes: `'again'`
   * where the head has moved on meanwhile, `'gap'` where only everything together can tell.
   */
  async changesTo(position: Position, base: Version): Promise<readonly Change<Stored>[] | 'again' | 'gap'> {
    if (versionOf(position.head) === base) return []
    const past = await this.past(position.head, base)
    if (!('changes' in past)) return 'gap'
    const { changes } = past
    if (!changes.some(({ effects }) => effects.some(isUnread))) return changes as readonly Change<Stored>[]
    // As one change: where a value was overwritten meanwhile, what was in between cannot be known.
    const { cleared, effects } = netOf(changes)
    const read = await this.#readKeys([...effects].flatMap(([key, effect]) => (isUnread(effect) ? [key] : [])))
    // By a later write, or, where there was none, by another's hand.
    const isAltered = [...read.values()].some(znode => !znode || znode.stat.mzxid > position.zxid)
    if (isAltered) return (await this.isStill(position)) ? 'gap' : 'again'
    const withValues = Array.from(effects.values(), effect => withValue(effect, read))
    const all: Effect<Stored>[] = cleared ? [{ type: 'clear' }, ...withValues] : withValues
    const id = changes.length === 1 ? changes[0]?.id : undefined
    return [{ previous: base, version: versionOf(position.head), effects: all, id }]
  }

  /** What leads from a version to a head: as far as its log reaches, and beyond that, as far as the earlier parts do. */
  async past(head: Head, since: Version): Promise<Past> {
    const past = pastSince(head, since)
    if ('changes' in past || past.diverged) return past
    return pastSince(withParts(head, await this.parts()), since)
  }

  /** The earlier parts of the log, as they are now. */
  async parts(): Promise<Part[]> {
    const read = await Promise.all(this.#names.parts.map(path => this.#session.getData(path)))
    return read.flatMap(({ value }) => (value && parsePart(value.data)) ?? [])
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
    if (!this.#reported.has(name)) {
      this.#reported.add(name)
      const message = `The znode ${this.#names.child(name)} is no key of dictionary "${this.#names.path}", and is left alone.`
      process.emitWarning(message, 'DurableDictWarning', 'DURABLEDICT_FOREIGN_ZNODE')
    }
    return []
  }

  #parse(znode: Znode): Head | undefined {
    return parseHead(znode.data, this.#names.path)
  }
}

/** What several changes come to: for each key the last effect, after everything was removed where it was. */
function netOf(changes: readonly LoggedChange[]): { cleared: boolean; effects: Map<string, LoggedEffect> } {
  const effects = new Map<string, LoggedEffect>()
  let cleared = false
  for (const effect of changes.flatMap(change => change.effects)) {
    if (effect.type === 'clear') {
      effects.clear()
      cleared = true
    } else effects.set(effect.key, effect)
  }
  return { cleared, effects }
}

function withValue(effect: LoggedEffect, read: ReadonlyMap<string, Znode | undefined>): Effect<Stored> {
  if (effect.type !== 'set' || effect.stored !== undefined) return effect as Effect<Stored>
  return { type: 'set', key: effect.key, stored: fromData((read.get(effect.key) as Znode).data) }
}

/** Whether its value is to be read from its znode. */
function isUnread(effect: LoggedEffect): boolean {
  return effect.type === 'set' && effect.stored === undefined
}
