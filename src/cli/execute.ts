import type { KeyChange } from '../contract/history.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { noteOtherType, outcomeOf, showOutcome, termsOf } from './changes.js'
import type { Desk } from './desk.js'
import { catalogOf } from './stores/catalog.js'
import { listOf } from './targets/absence.js'
import type { Call } from './verb.js'

/** Executes a plan, or only shows it. */
export async function execute(
  call: Call,
  desk: Desk,
  plan: (state: FrozenState) => KeyChange<unknown>[],
): Promise<void> {
  const terms = termsOf(call)
  const dryRun = call.flags.has('dry-run')
  let wasEmpty = false
  const planned = (state: FrozenState) => {
    wasEmpty = state.size === 0
    return plan(state)
  }
  const changes = dryRun ? planned(await desk.state()) : await desk.change(planned, terms)
  if (wasEmpty && changes.length > 0 && !dryRun) await noteIfNew(call, desk)
  for (const change of changes) await noteOtherType(call, desk, change)
  const nothing = { changes, dryRun, commit: undefined, undo: undefined, note: undefined }
  await showOutcome(call, desk, dryRun ? nothing : await outcomeOf(call, desk, changes, terms))
}

/** A mistyped name creates a dictionary: says so. */
async function noteIfNew(call: Call, desk: Desk): Promise<void> {
  const { url } = await call.target()
  if (url === undefined || !desk.hasHistory) return
  if ((await desk.commits({ limit: 2 })).length > 1) return
  await call.screen.note(
    `Note: dictionary ${JSON.stringify(desk.name)} is new, and this is its first change. ${listOf(await catalogOf(url))}`.trim(),
  )
}
