import type { Group, Outcome } from '../contract/backend.js'
import { DecodingError } from '../errors/errors.js'
import type { Codec } from './codec.js'

export interface ReencoderContext {
  readonly codec: Codec
  /** What memory holds, undecoded. */
  stored(): ReadonlyMap<string, unknown>
  submit(group: Group<unknown>): Promise<Outcome>
}

/** Writes values of the old encoding back in the new one, each only where it still stands. */
export class Reencoder {
  readonly #context: ReencoderContext
  readonly #noted = new Map<string, unknown>()

  constructor(context: ReencoderContext) {
    this.#context = context
  }

  /** A reader met a value of the old encoding: it is written back soon. A failure is left to the next reader. */
  note(key: string, stored: unknown): void {
    this.#noted.set(key, stored)
    if (this.#noted.size > 1) return
    queueMicrotask(() => {
      const noted = [...this.#noted]
      this.#noted.clear()
      for (const [key, stored] of noted) this.#rewrite(key, stored).catch(() => {})
    })
  }

  /** Rewrites all that is left; gives how many. What neither encoding can decode is left alone. */
  async all(): Promise<number> {
    let rewritten = 0
    for (let keys = [...this.#context.stored().keys()]; keys.length > 0; ) {
      const done = await Promise.all(keys.map(key => this.#rewrite(key, this.#context.stored().get(key))))
      rewritten += done.filter(status => status === 'done').length
      // Written by someone else meanwhile, perhaps in the old encoding again.
      keys = keys.filter((_, index) => done[index] === 'conflict')
    }
    return rewritten
  }

  async #rewrite(key: string, stored: unknown): Promise<'done' | 'conflict' | 'left'> {
    const renewed = stored === undefined ? undefined : this.#renewed(key, stored)
    if (renewed === undefined) return 'left'
    const { status } = await this.#context.submit({
      conditions: [{ type: 'holds', key, stored }],
      operations: [{ type: 'set', key, stored: renewed }],
    })
    return status === 'done' ? 'done' : 'conflict'
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
