import type { CatchUp, State } from '../../contract/backend.js'
import { pause } from '../waiting.js'
import type { Caller } from './caller.js'
import { explain, isPassing, neverSent, replyCode } from './faults.js'
import type { Nonces } from './nonces.js'
import { type PullReply, toCatchUp, toMap } from './replies.js'
import { Scan } from './scan.js'
import { SCRIPTS, type Script } from './script.js'

/** Dictionaries of up to so many entries are sent as a whole: that takes the server less than a millisecond. */
const SMALL = 1_000

/** How often a read is sent again after a fault that passes, and how long after the first, in ms. */
const RETRIES = 6
const RETRY_AFTER = 20

/** Reads from the primary. What fails on the way is asked again: reading twice does no harm. */
export class Reader {
  readonly #caller: Caller
  readonly #name: string
  readonly #nonces: Nonces

  constructor(caller: Caller, name: string, nonces: Nonces) {
    this.#caller = caller
    this.#name = name
    this.#nonces = nonces
  }

  /** The present version. */
  async head(): Promise<string> {
    const reply = (await this.#run(SCRIPTS.pull, this.#pullArgs('', -1))) as Exclude<PullReply, 0>
    return reply[1]
  }

  /** What happened since a version. */
  pull(since: string): Promise<CatchUp> {
    return this.#run(SCRIPTS.pull, this.#pullArgs(since, SMALL)).then(reply =>
      reply === 0 ? { type: 'changes', version: since, changes: [] } : understand(reply as Exclude<PullReply, 0>),
    )
  }

  /** Everything: at once where it is little, else by scanning. */
  async load(progress: () => void): Promise<State> {
    const reply = (await this.#run(SCRIPTS.pull, this.#pullArgs('', SMALL))) as Exclude<PullReply, 0>
    progress()
    const answer = understand(reply)
    if (answer.type === 'state') return answer
    const chunk = (since: string, cursor: string, count: string) => this.#chunk(since, cursor, count)
    const changes = (since: string) => this.#run(SCRIPTS.pull, this.#sizedArgs(since)) as Promise<PullReply>
    return new Scan(chunk, changes, progress).run(reply[1])
  }

  async recordBound(ms: number): Promise<void> {
    await this.#run(SCRIPTS.recordBound, [String(ms)])
  }

  /** Does it, with faults told such that one knows what to do. */
  async explained<V>(work: () => Promise<V>): Promise<V> {
    try {
      return await work()
    } catch (error) {
      throw explain(error, this.#name) ?? error
    }
  }

  #pullArgs(since: string, most: number): string[] {
    return [since, this.#nonces.next(), String(most)]
  }

  #sizedArgs(since: string): string[] {
    return [...this.#pullArgs(since, -1), 's']
  }

  #chunk(since: string, cursor: string, count: string): Promise<[PullReply, unknown]> {
    const { driver, keys } = this.#caller
    const pull = this.#caller.command(SCRIPTS.pull, this.#sizedArgs(since))
    const hscan = ['hscan', keys.entries, cursor, 'count', count]
    return this.#again(() => driver.sendBoth(keys.entries, pull, hscan)) as Promise<[PullReply, unknown]>
  }

  #run(script: Script, args: readonly string[]): Promise<unknown> {
    return this.#again(() => this.#caller.run(script, args))
  }

  /** Sends it, again where a fault may pass. The frequent case is kept short: a check is little more than the trip. */
  #again(send: () => Promise<unknown>): Promise<unknown> {
    const waiting = this.#caller.driver.ready()
    const first = waiting ? waiting.then(send) : send()
    return first.catch(error => this.#after(error, send))
  }

  async #after(fault: unknown, send: () => Promise<unknown>): Promise<unknown> {
    let error = fault
    for (let retries = 0; retries < RETRIES && mayPass(error); retries += 1) {
      await pause(RETRY_AFTER * 2 ** retries)
      try {
        await this.#caller.driver.ready()
        return await send()
      } catch (next) {
        error = next
      }
    }
    throw explain(error, this.#name) ?? error
  }
}

/** Faults on the way, and what the server itself says will pass. */
function mayPass(error: unknown): boolean {
  return isPassing(error) || (replyCode(error) === undefined && !neverSent(error) && explain(error, '') === undefined)
}

function understand(reply: Exclude<PullReply, 0>): CatchUp {
  if (reply[0] === 'changes') return toCatchUp(reply[1], reply.slice(2) as string[])
  const diverged = reply[2] === 1
  if (reply[0] === 'old') return { type: 'tooOld', diverged }
  return { type: 'state', version: reply[1], diverged, entries: toMap(reply, 3) }
}
