import type { Group, Outcome } from '../contract/backend.js'
import { DecodingError } from '../errors/errors.js'
import type { Memory } from '../replica/memory.js'
import { queueMicrotask } from '../time/clock.js'
import type { Codec } from './codec.js'

export interface ReencoderContext {
  readonly codec: Codec
  memory(): Memory
  submit(group: Group<unknown>): Promise<Outcome>
}

/** How many values are rewritten before the next ones: what waits for longer than the timeout would not be sent. */
const AT_ONCE = 1_000

/** Writes values of the old encoding back in the new one, each only where nobody wrote it meanwhile. */
export class Reencoder {
  readonly #context: ReencoderContext
  /** Keys that are being written back. */
  readonly #noted = new Set<string>()

  constructor(context: ReencoderContext) {
    this.#context = context
  }

  /** A reader met a value of the old encoding: it is written back soon. A failure is left to the next reader. */
  note(key: string): void {
    if (this.#noted.has(key)) return
    this.#noted.add(key)
    queueMicrotask(() => {
      const forget = () => void this.#noted.delete(key)
      this.#rewrite(key).then(forget, forget)
    })
  }

  /** Rewrites all that is left; gives how many. What neither encoding can decode is left alone. */
  async all(): Promise<number> {
    let rewritten = 0
    const left = [...this.#context.memory().entries.stored.keys()]
    while (left.length > 0) {
      const keys = left.splice(-AT_ONCE)
      const done = await Promise.all(keys.map(key => this.#rewrite(key)))
      rewritten += done.filter(status => status === 'done').length
      // Written by someone else meanwhile, perhaps in the old encoding again.
      left.push(...keys.filter((_, index) => done[index] === 'conflict'))
    }
    return rewritten
  }

  async #rewrite(key: string): Promise<'done' | 'conflict' | 'left'> {
    const { entries, version: since } = this.#context.memory()
    const stored = entries.stored.get(key)
    const renewed = stored === undefined ? undefined : this.#renewed(key, stored)
    if (renewed === undefined) return 'left'
    const outcome = await this.#context.submit({
      conditions: [{ type: 'unchanged', key, since }],
      operations: [{ type: 'set', key, stored: renewed }],
    })
    if (outcome.status === 'refused') throw outcome.error
    return outcome.status
  }

  #renewed(key: string, stored: unknown): unknown {
    try {
      return this.#context.codec.renewed(key, stored)
    } catch (error) {
      if (error instanceof DecodingError) return undefined
      throw error
    }
  }
}
