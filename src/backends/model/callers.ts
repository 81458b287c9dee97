import type { Group } from '../../contract/backend.js'
import { callerContext, type RunInContext } from '../sql/own-context.js'

/** The async contexts of the calls that groups came of, for the function of the option `row`. */
export class Callers {
  readonly #contexts = new WeakMap<Group<unknown>, RunInContext>()

  note(group: Group<unknown>): void {
    this.#contexts.set(group, callerContext())
  }

  of(group: Group<unknown> | undefined): RunInContext {
    return (group && this.#contexts.get(group)) ?? here
  }
}

/** Nobody was noted: the function runs in the present context. */
export const here: RunInContext = work => work()
