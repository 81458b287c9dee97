import { processWide } from '../../../process/shared.js'

/** Runs one piece of work at a time, in the order in which they came. */
export class InTurn {
  static readonly #all = processWide('turns', () => new WeakMap<object, InTurn>())
  #last: Promise<unknown> = Promise.resolve()

  /** The same one for the same object. */
  static of(shared: object): InTurn {
    const turns = InTurn.#all.get(shared) ?? new InTurn()
    InTurn.#all.set(shared, turns)
    return turns
  }

  run<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}
