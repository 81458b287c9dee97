import type { KeyChange } from '../contract/history.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { noteOtherType, outcomeOf, showOutcome, termsOf } from './changes.js'
import type { Desk } from './desk.js'
import type { Call } from './verb.js'

/** Executes a plan, or only shows it. */
export async function execute(
  call: Call,
  desk: Desk,
  plan: (state: FrozenState) => KeyChange<unknown>[],
): Promise<void> {
  const terms = termsOf(call)
  const dryRun = call.flags.has('dry-run')
  const changes = dryRun ? plan(await desk.state()) : await desk.change(plan, terms)
  for (const change of changes) await noteOtherType(call, desk, change)
  const nothing = { changes, dryRun, commit: undefined, undo: undefined, note: undefined }
  await showOutcome(call, desk, dryRun ? nothing : await outcomeOf(call, desk, changes, terms))
}
