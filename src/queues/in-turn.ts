import { processWide } from '../process/shared.js'
import { orAborted } from '../time/or-aborted.js'

/** Runs one piece of work at a time, in the order of the calls. */
export class InTurn {
  static readonly #all = processWide('turns', () => new WeakMap<object, InTurn>())
  #last: Promise<void> = Promise.resolve()

  /** Returns the same queue for the same object. */
  static of(shared: object): InTurn {
    const turns = InTurn.#all.get(shared) ?? new InTurn()
    InTurn.#all.set(shared, turns)
    return turns
  }

  /** @param signal - if it is aborted before the work's turn, the work never begins. Later work still waits for earlier work. */
  run<R>(work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    const before = this.#last
    const result = (signal ? orAborted(before, signal) : before).then(work)
    // Without the results, which each queue would otherwise keep for ever.
    this.#last = Promise.allSettled([before, result]).then(() => {})
    return result
  }
}
