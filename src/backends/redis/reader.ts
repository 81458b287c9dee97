import type { CatchUp, State } from '../../contract/backend.js'
import { pause } from '../../time/pause.js'
import { warn } from '../../warnings/warnings.js'
import type { Caller } from './caller.js'
import { explain, isPassing, neverSent, replyCode } from './faults.js'
import { LoadedEntries } from './loaded-entries.js'
import type { Entropy } from './nonces.js'
import { QuickCheck } from './quick-check.js'
import { type PullReply, parsePull, parseScan } from './replies.js'
import { Scan } from './scan.js'
import { SCRIPTS, type Script } from './script.js'
import { gapOf, type Seals } from './seals.js'

/** A dictionary with at most this many entries is returned as a whole: that takes the server less than a millisecond. */
const SMALL = 1_000

/** How many times a read is retried after a temporary fault, and the wait before the first retry, in ms. */
const RETRIES = 6
const RETRY_AFTER = 20

/** Reads from the primary. Reads are idempotent, so a read that fails on the way is retried. */
export class Reader {
  readonly #caller: Caller
  readonly #name: string
  readonly #entropy: Entropy
  readonly #seals: Seals
  readonly #quick: QuickCheck
  #script: Script = SCRIPTS.pull

  constructor(caller: Caller, name: string, entropy: Entropy, seals: Seals) {
    this.#caller = caller
    this.#quick = new QuickCheck(caller, name)
    this.#name = name
    this.#entropy = entropy
    this.#seals = seals
  }

  /** Uses only the right to read from now on. */
  restrictToReads(): void {
    this.#script = SCRIPTS.peek
    this.#quick.restrictToReads()
  }

  /** Returns the current version. */
  async head(): Promise<string> {
    return headOf(await this.#pull('', -1))
  }

  /** Returns what changed since a version. If nothing did, which is frequent, no script runs. */
  async pull(since: string): Promise<CatchUp> {
    if (await this.#retry(() => this.#quick.isCurrent(since))) return { type: 'changes', version: since, changes: [] }
    const reply = await this.#pull(since, SMALL)
    switch (reply.type) {
      case 'nothing':
        return { type: 'changes', version: since, changes: [] }
      case 'changes':
        if (!this.#seals.knows(reply.head)) await this.head()
        return this.#seals.toCatchUp(since, reply.head, reply.changes)
      case 'old':
        return { type: 'tooOld', ...gapOf(reply, since) }
      case 'state':
        return this.#toState(reply, since)
    }
  }

  /** Loads everything: in one reply if the dictionary is small, else by scanning. */
  async load(progress: () => void): Promise<State> {
    const loaded = await this.#loadOnce(progress, false)
    if (!loaded.entries.doubtful) return loaded.entries.toState(loaded.version)
    const { entries, version } = await this.#loadOnce(progress, true)
    if (entries.unreadable > 0) warnOfUnreadable(entries.unreadable, this.#name)
    return entries.toState(version)
  }

  async registerMaxStaleness(ms: number): Promise<void> {
    await this.run(SCRIPTS.registerMaxStaleness, [String(ms)])
  }

  /** Runs a script, and retries it after a temporary fault. */
  run(script: Script, args: readonly string[], bytes = false): Promise<unknown> {
    const sending = bytes ? { bytes } : undefined
    return this.#retry(() => this.#caller.run(script, args, sending))
  }

  /** Sends a command that only reads. A cluster client may send it to a replica. */
  read(command: string[]): Promise<unknown> {
    const { driver, keys } = this.#caller
    return this.#retry(() => driver.send(keys.entries, command))
  }

  /** Runs a script and one HSCAN directly after it. */
  async runWithScan(script: Script, args: readonly string[], scan: readonly string[], bytes: boolean) {
    const hscan = ['hscan', ...scan]
    const [reply, chunk] = await this.#retry(() => this.#caller.runWith(script, args, [hscan], { bytes }))
    return [reply, parseScan(chunk)] as const
  }

  /** Runs the work and converts its errors to errors with advice. */
  async explained<V>(work: () => Promise<V>): Promise<V> {
    try {
      return await work()
    } catch (error) {
      throw explain(error, this.#name) ?? error
    }
  }

  /** Replies to a check are text. If they may not be what is stored, the dictionary loads everything as bytes. */
  #toState(reply: Extract<PullReply, { type: 'state' }>, since: string): CatchUp {
    const { head, entries: flat } = reply
    const entries = new LoadedEntries()
    entries.addAll(flat)
    const gap = gapOf(reply, since)
    return entries.doubtful ? { type: 'tooOld', ...gap } : { type: 'state', ...entries.toState(head), ...gap }
  }

  async #loadOnce(progress: () => void, bytes: boolean): Promise<{ entries: LoadedEntries; version: string }> {
    const reply = await this.#pull('', SMALL, bytes)
    progress()
    if (reply.type !== 'state') return this.#scan(headOf(reply), progress, bytes)
    const entries = new LoadedEntries()
    entries.addAll(reply.entries)
    return { entries, version: reply.head }
  }

  #scan(head: string, progress: () => void, bytes: boolean): Promise<{ entries: LoadedEntries; version: string }> {
    const chunk = (since: string, cursor: string, count: string) => this.#chunk(since, cursor, count, bytes)
    const changes = (since: string) => this.#pull(since, -1, false, true)
    return new Scan(chunk, changes, this.#seals, progress).run(head)
  }

  async #pull(since: string, most: number, bytes = false, sized = false): Promise<PullReply> {
    const reply = await this.run(this.#script, this.#args(since, most, sized), bytes)
    return this.#read(reply, sized)
  }

  #read(raw: unknown, sized: boolean): PullReply {
    const reply = parsePull(raw, sized)
    this.#caller.driver.servedBefore = true
    if (reply.type === 'state' || reply.type === 'old') this.#seals.learn(reply.head, reply.seal)
    return reply
  }

  #args(since: string, most: number, sized: boolean): string[] {
    const args = [since, this.#entropy.next(), String(most)]
    return sized ? [...args, 's'] : args
  }

  async #chunk(since: string, cursor: string, count: string, bytes: boolean) {
    const scan = [this.#caller.keys.entries, cursor, 'count', count]
    const [pull, chunk] = await this.runWithScan(this.#script, this.#args(since, -1, true), scan, bytes)
    return [this.#read(pull, true), chunk] as const
  }

  /**
   * Sends the command, and retries it after a temporary fault. The common case is short, so that a check costs little
   * more than its round trip.
   */
  #retry<R>(send: () => Promise<R>): Promise<R> {
    const waiting = this.#caller.ready()
    const first = waiting ? waiting.then(send) : send()
    return first.catch(error => this.#after(error, send))
  }

  async #after<R>(fault: unknown, send: () => Promise<R>): Promise<R> {
    let error = fault
    for (let retries = 0; retries < RETRIES && (mayPass(error) || this.#caller.leaves(error)); retries += 1) {
      await pause(RETRY_AFTER * 2 ** retries)
      try {
        await this.#caller.ready()
        return await send()
      } catch (next) {
        error = next
      }
    }
    throw explain(error, this.#name) ?? error
  }
}

/** Returns whether the error is a connection fault, or one that the server reports as temporary. */
function mayPass(error: unknown): boolean {
  return isPassing(error) || (replyCode(error) === undefined && !neverSent(error) && explain(error, '') === undefined)
}

function headOf(reply: PullReply): string {
  if (reply.type === 'nothing') throw new Error('The script "pull" returned no version.')
  return reply.head
}

function warnOfUnreadable(count: number, name: string): void {
  warn(
    'DURABLEDICT_UNREADABLE_KEYS',
    `${count} fields in the hash of dictionary "${name}" have names that are not UTF-8 text. No key can name them, so the ` +
      'dictionary omits them. Remove them with HDEL.',
    { source: name },
  )
}
