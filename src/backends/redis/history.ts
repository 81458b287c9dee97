import type { HistoryPage, HistoryPolicy, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { foreignCommit } from '../../errors/history-faults.js'
import { type CommitRecord, isDoubtful, parseId, tagOf } from './commit-record.js'
import { LoadedEntries } from './loaded-entries.js'
import { type PageReply, parsePage } from './page-reply.js'
import type { Reader } from './reader.js'
import { SCRIPTS, type Script } from './script.js'

/** How many entries of the hash of a commit to ask for at once. */
const CHUNK = '1000'

/** Which commits to ask for: the arguments of scripts/page.lua behind the limit. */
type Selection = readonly [by: string, wanted: string, older: string, epoch: string, tag: string]

/** The history of commits in Redis. scripts/history.lua documents its keys. */
export class History {
  readonly #reader: Reader
  readonly #key: string
  readonly #name: string
  #script: Script = SCRIPTS.page

  /** @param key - of the stream. */
  constructor(reader: Reader, key: string, name: string) {
    this.#reader = reader
    this.#key = key
    this.#name = name
  }

  /** Uses only the right to read from now on. */
  restrictToReads(): void {
    this.#script = SCRIPTS.peekPage
  }

  async page(query: HistoryQuery): Promise<HistoryPage> {
    const commits: StoredCommit[] = []
    let selection = this.#select(query)
    for (;;) {
      const reply = await this.#ask(query.limit - commits.length, selection)
      if (!reply) throw foreignCommit(query.before ?? '', this.#name)
      for (const record of reply.commits) {
        const commit = await this.#complete(record, reply.epoch)
        // What is older cannot be complete.
        if (!commit) return { commits, floor: Math.max(reply.floor, record.position), dropped: reply.dropped }
        commits.push(commit)
      }
      const oldest = commits.at(-1)
      if (!reply.more || !oldest) return { commits, floor: reply.floor, dropped: reply.dropped }
      selection = [selection[0], selection[1], String(oldest.position), reply.epoch, tagOf(String(oldest.version))]
    }
  }

  async setPolicy(policy: HistoryPolicy): Promise<void> {
    const { keep, days } = policy || { keep: 0, days: 0 }
    await this.#reader.run(SCRIPTS.setHistoryPolicy, [String(keep), String(days)])
  }

  async forget(by: string): Promise<number> {
    return Number(await this.#reader.run(SCRIPTS.forgetAuthor, [by]))
  }

  /** @throws HistoryError if `before` is not an id of this kind of history. */
  #select({ key, before, id }: HistoryQuery): Selection {
    if (id !== undefined) {
      const { position, epoch, tag } = parseId(id) ?? { position: '0', epoch: '-', tag: '' }
      return ['i', position, '', epoch, tag]
    }
    const older = before === undefined ? { position: '', epoch: '', tag: '' } : parseId(before)
    if (!older) throw foreignCommit(before as string, this.#name)
    return [key === undefined ? '' : 'k', key ?? '', older.position, older.epoch, older.tag]
  }

  /** Replies are text. If any of it may differ from what is stored, asks again for bytes. */
  async #ask(limit: number, selection: Selection): Promise<PageReply | undefined> {
    const args = [String(limit), ...selection]
    const reply = await this.#reader.run(this.#script, args)
    return parsePage(isDoubtful(reply) ? await this.#reader.run(this.#script, args, true) : reply)
  }

  /** Returns the commit, or `undefined` if its record is damaged or no longer complete. */
  async #complete(record: CommitRecord, epoch: string): Promise<StoredCommit | undefined> {
    const cleared =
      typeof record.cleared === 'number' ? await this.#scan(record, epoch, record.cleared) : record.cleared
    return cleared && record.toCommit(epoch, cleared)
  }

  /** Loads the hash of a commit. It does not change, but the commit may be dropped meanwhile. */
  async #scan({ position, version }: CommitRecord, epoch: string, size: number): Promise<LoadedEntries | undefined> {
    const args = ['1', 'i', String(position), '', epoch, tagOf(version)]
    const entries = new LoadedEntries()
    let cursor = '0'
    do {
      const scan = [`${this.#key}:${position}`, cursor, 'count', CHUNK]
      const [reply, chunk] = await this.#reader.runWithScan(this.#script, args, scan, true)
      if (!parsePage(reply)?.commits.length) return undefined
      entries.addAll(chunk.entries)
      cursor = chunk.cursor
    } while (cursor !== '0')
    return entries.size === size ? entries : undefined
  }
}
