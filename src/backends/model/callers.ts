import type { Group } from '../../contract/backend.js'
import { callerContext, type RunInContext } from './own-context.js'

/** The async contexts of the calls that groups came of, for the function of the option `row`. */
export class Callers {
  readonly #contexts = new WeakMap<Group<unknown>, RunInContext>()

  note(group: Group<unknown>): void {
    this.#contexts.set(group, callerContext())
  }

  /** The context of the latest of these groups that writes the key. */
  of(groups: readonly Group<unknown>[], key: string): RunInContext {
    const writes = (group: Group<unknown>) => group.operations.some(one => one.type !== 'clear' && one.key === key)
    const group = groups.findLast(writes)
    return (group && this.#contexts.get(group)) ?? here
  }
}

/** Nobody was noted: the function runs in the present context. */
export const here: RunInContext = work => work()
