import type { Group } from '../contract/backend.js'
import type { Decode } from '../replica/entries.js'
import { Memory } from '../replica/memory.js'
import { Reliance } from '../replica/reliance.js'
import type { Copy, Executed } from '../replica/replica.js'
import { now } from '../time/clock.js'
import type { Found } from './find.js'
import type { Reconnection } from './reconnection.js'

/**
 * The copy of a dictionary whose store has not answered yet: the last known state. It serves memory and nothing else. It never counts as
 * current, and no question to the store is based on it: whatever needs the store waits until a replica has loaded everything.
 */
export class AbsentReplica implements Copy {
  readonly memory: Memory
  readonly id = undefined
  /** Never relied on: it counts as registered nowhere. */
  readonly reliance = new Reliance(undefined, true)
  readonly #reconnection: Reconnection<Copy>

  constructor({ origin, entries, age }: Found, decode: Decode, reconnection: Reconnection<Copy>) {
    // A token of its own: it must never pass for a version of the store.
    this.memory = new Memory({ version: `${origin} ${crypto.randomUUID()}`, entries }, decode)
    this.reliance.confirmedAt = now() - age
    this.#reconnection = reconnection
  }

  get confirmedAt(): number {
    return this.reliance.confirmedAt
  }

  /** The load that the connection begins with may have begun before this call: the replica checks again. */
  async check(): Promise<void> {
    await (await this.#reconnection.join()).check()
  }

  checkUnlessKnown(): Promise<void> {
    return this.check()
  }

  async sync(): Promise<void> {
    await (await this.#reconnection.join()).sync()
  }

  async registerMaxStaleness(bound: number): Promise<void> {
    await (await this.#reconnection.join()).registerMaxStaleness(bound)
  }

  async submit(group: Group<unknown>, limit?: number, everywhere?: boolean): Promise<Executed> {
    return (await this.#reconnection.join()).submit(group, limit, everywhere)
  }

  async resync(): Promise<void> {
    await (await this.#reconnection.join()).resync()
  }

  async close(): Promise<void> {}
}
