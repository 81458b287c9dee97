import type { Group, Outcome } from '../contract/backend.js'
import type { Attribution } from '../contract/history.js'
import { DecodingError } from '../errors/errors.js'
import type { Memory } from '../replica/memory.js'
import { queueMicrotask } from '../time/clock.js'
import type { Codec } from './codec.js'

export interface ReencoderContext {
  readonly codec: Codec
  /** Who rewrites what readers meet, for the history: not the reader. */
  readonly attribution: Attribution | undefined
  memory(): Memory
  submit(group: Group<unknown>): Promise<Outcome>
}

/** How many values are rewritten at a time. Writes that wait longer than the timeout would be dropped. */
const AT_ONCE = 1_000

/** Rewrites values of the old encoding with the new one, without overwriting concurrent writes. */
export class Reencoder {
  readonly #context: ReencoderContext
  /** Keys that are being rewritten. */
  readonly #noted = new Set<string>()

  constructor(context: ReencoderContext) {
    this.#context = context
  }

  /** Schedules the rewrite of a value of the old encoding that a reader met. After a failure, the next reader tries again. */
  note(key: string): void {
    if (this.#noted.has(key)) return
    this.#noted.add(key)
    queueMicrotask(() => {
      const forget = () => void this.#noted.delete(key)
      this.#rewrite(key, this.#context.attribution).then(forget, forget)
    })
  }

  /** Rewrites all values of the old encoding and returns their number. It skips values that neither encoding can decode. */
  async all(attribution: Attribution | undefined): Promise<number> {
    let rewritten = 0
    const left = [...this.#context.memory().entries.stored.keys()]
    while (left.length > 0) {
      const keys = left.splice(-AT_ONCE)
      const done = await Promise.all(keys.map(key => this.#rewrite(key, attribution)))
      rewritten += done.filter(status => status === 'done').length
      // Someone else wrote these meanwhile, perhaps with the old encoding.
      left.push(...keys.filter((_, index) => done[index] === 'conflict'))
    }
    return rewritten
  }

  async #rewrite(key: string, attribution: Attribution | undefined): Promise<'done' | 'conflict' | 'left'> {
    const { entries, version: since } = this.#context.memory()
    const stored = entries.stored.get(key)
    const reencoded = stored === undefined ? undefined : this.#reencoded(key, stored)
    if (reencoded === undefined) return 'left'
    const outcome = await this.#context.submit({
      conditions: [{ type: 'unchanged', key, since }],
      operations: [{ type: 'set', key, stored: reencoded }],
      ...(attribution && { attribution }),
    })
    if (outcome.status === 'refused') throw outcome.error
    return outcome.status
  }

  #reencoded(key: string, stored: unknown): unknown {
    try {
      return this.#context.codec.reencoded(key, stored)
    } catch (error) {
      if (error instanceof DecodingError) return undefined
      throw error
    }
  }
}
