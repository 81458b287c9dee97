import { isDeepStrictEqual } from 'node:util'
import { InvalidValueError } from '../../../errors/errors.js'
import type { Columns, ModelManager } from '../managers/manager.js'

export interface WritableColumnsOptions {
  readonly manager: ModelManager
  readonly dictionary: string
  /** The model's name of the key column, which the key says. */
  readonly keyCol: string
  /** What the database calls the table's columns. */
  readonly known: ReadonlySet<string>
  /** The model's names of those that may be written. Default: all. */
  readonly allowed: readonly string[] | undefined
}

/** Which columns an instance may set: a form that a user filled in must not set others, nor spoil writes beside it. */
export class WritableColumns {
  readonly #options: WritableColumnsOptions
  readonly #allowed: ReadonlySet<string> | undefined
  /** The columns of the returned instances, as they were read. */
  readonly #read = new WeakMap<object, Columns>()

  constructor(options: WritableColumnsOptions) {
    this.#options = options
    this.#allowed = options.allowed && new Set(options.allowed)
  }

  /** Remembers what an instance was read with. */
  note(instance: object, columns: Columns): void {
    if (this.#allowed) this.#read.set(instance, columns)
  }

  /**
   * What of the columns is to be written: without those that may not be, and that are as they were read.
   *
   * @throws InvalidValueError for any other one that may not be written, or that the table does not have.
   */
  of(columns: Columns, instance?: object): Columns {
    const read = instance && this.#read.get(instance)
    const written = Object.entries(columns).filter(([name, value]) => {
      if (name === this.#options.keyCol || this.#allowed?.has(name)) return true
      if (!this.#allowed) return true
      if (read && isDeepStrictEqual(read[name], value)) return false
      throw this.#error(name, 'may not be written: option "columns" does not name it')
    })
    for (const [name] of written) if (!this.#exists(name)) throw this.#error(name, 'is not in the table')
    return Object.fromEntries(written)
  }

  /** Libraries that find the columns of an instance themselves leave out what is none. */
  #exists(name: string): boolean {
    const { manager, known } = this.#options
    return manager.columnsOf !== undefined || known.has(manager.column(name) ?? '')
  }

  #error(name: string, what: string): InvalidValueError {
    const { dictionary } = this.#options
    return new InvalidValueError(
      `Column ${JSON.stringify(name)} of a value for dictionary "${dictionary}" ${what}. Nothing was written.`,
      { dictionary },
    )
  }
}
