import type { CatchUp, Change, State, Version } from '../../contract/backend.js'
import { builtin } from '../../process/builtin.js'
import { unescapeKey } from '../sql/escape.js'
import { newEpoch, newNonce, parseVersion } from '../sql/version.js'
import { checkEncoding, type Head, readHead, readPast } from './answers.js'
import type { Execution } from './execution.js'
import { PAGE } from './statements.js'
import { type Stored, toStored } from './stored-form.js'

/** The version of a dictionary that has no head, for those who may not create one. */
const UNFOUNDED = 'unfounded'

const DAMAGED_HEAD = 'the head in the table durabledict_heads'

/** How often a load is tried again on a dictionary whose log is outrun. */
const LOADS = 10

/** Where an answer has the changes. */
const CHANGES = 6

/** Reads one dictionary. */
export class Reader {
  readonly #execution: Execution
  readonly #check: string
  /** The latest version that was read. */
  seen: Version | undefined
  /** Called with the epoch of each head that was read. */
  onEpoch: (epoch: string) => void = () => {}

  constructor(execution: Execution) {
    this.#execution = execution
    const { check } = execution.statements
    this.#check = `durabledict_${builtin.crypto.createHash('sha256').update(check).digest('hex').slice(0, 16)}`
  }

  /** The current version. Creates the head if it is missing, unless only reads are allowed. */
  async version(): Promise<Version> {
    const head = await this.#head()
    if (typeof head === 'object') return head.version
    const { onlyReads, statements } = this.#execution
    if (onlyReads) return UNFOUNDED
    const { stored } = await this.#execution.target()
    await this.#execution.query({ text: statements.begin, values: [stored, newEpoch(), newNonce()] })
    const created = await this.#head()
    if (typeof created === 'object') return created.version
    throw new Error(
      'The table durabledict_heads does not keep what is written to it: look for a trigger or a policy on it.',
    )
  }

  async changesSince(since: Version): Promise<CatchUp<Stored>> {
    const { statements, options } = this.#execution
    const { stored } = await this.#execution.target()
    const { epoch, number } = parseVersion(since) ?? { epoch: '', number: 0 }
    const values = [stored, epoch, `${number}`]
    const rows = await this.#execution.query({ name: this.#check, text: statements.check, values })
    const head = readHead(rows, options.dictionary)
    if (typeof head !== 'object') return withoutHead(since, head)
    checkEncoding(rows[0]?.[5], options.dictionary)
    return this.catchUp(rows[0]?.[CHANGES] ?? null, since, head)
  }

  /** What the changes of an answer lead to. */
  async catchUp(changes: string | null, since: Version, head: Head): Promise<CatchUp<Stored>> {
    this.#found(head)
    if (head.version === since) return { type: 'changes', version: head.version, changes: [] }
    if (since === UNFOUNDED) return { type: 'tooOld', diverged: false }
    const { form } = await this.#execution.target()
    const past = readPast(changes, since, head, form.unsafe)
    if (past.type !== 'changes') return past
    if (past.changes.some(({ effects }) => effects === undefined)) return { type: 'tooOld', diverged: false }
    return { type: 'changes', version: head.version, changes: past.changes as readonly Change<Stored>[] }
  }

  /**
   * Reads all entries, page by page, and then applies what has changed meanwhile. A change says what is stored after it, so that it does
   * not matter which pages already had it: the result is one state, without a transaction that lasts as long as the load.
   */
  async load(progress: () => void): Promise<State<Stored>> {
    for (let attempt = 1; ; attempt += 1) {
      const version = await this.version()
      progress()
      const entries = await this.#entries(progress)
      const answer = await this.changesSince(version)
      progress()
      if (answer.type === 'changes') {
        for (const change of answer.changes) apply(change, entries)
        return { version: answer.version, entries }
      }
      if (attempt === LOADS) throw new Error(`It changed too much during each of ${LOADS} attempts to load it.`)
    }
  }

  async #entries(progress: () => void): Promise<Map<string, Stored>> {
    const { statements } = this.#execution
    const { stored, form } = await this.#execution.target()
    const entries = new Map<string, Stored>()
    for (let after = ''; ; ) {
      const rows = await this.#execution.query({ text: statements.entries, values: [stored, after] })
      progress()
      for (const [text, json, encoded] of rows) {
        const key = unescapeKey(text as string, form.unsafe)
        if (key !== undefined) entries.set(key, toStored(json, encoded))
      }
      if (rows.length < PAGE) return entries
      after = rows.at(-1)?.[0] as string
    }
  }

  async #head(): Promise<Head | 'malformed' | undefined> {
    const { statements, options } = this.#execution
    const { stored } = await this.#execution.target()
    const rows = await this.#execution.query({ text: statements.head, values: [stored] })
    const head = readHead(rows, options.dictionary)
    if (typeof head !== 'object') return head
    checkEncoding(rows[0]?.[5], options.dictionary)
    this.#found(head)
    return head
  }

  #found({ version, epoch }: Head): void {
    this.seen = version
    this.onEpoch(epoch)
  }
}

function withoutHead(since: Version, head: 'malformed' | undefined): CatchUp<Stored> {
  if (since === UNFOUNDED) return { type: 'changes', version: UNFOUNDED, changes: [] }
  return { type: 'tooOld', diverged: true, ...(head && { damage: DAMAGED_HEAD }) }
}

function apply({ effects }: Change<Stored>, entries: Map<string, Stored>): void {
  for (const effect of effects) {
    if (effect.type === 'clear') entries.clear()
    else if (effect.type === 'delete') entries.delete(effect.key)
    else entries.set(effect.key, effect.stored)
  }
}
