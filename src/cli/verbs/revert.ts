import type { KeyChange, StoredCommit } from '../../contract/history.js'
import { noHistory } from '../../dictionary/settings.js'
import { outcomeOf, showOutcome, termsOf } from '../changes.js'
import { confirm } from '../confirm.js'
import type { Desk } from '../desk.js'
import { EXIT } from '../exit-codes.js'
import { Failure } from '../failure.js'
import { WRITING } from '../options.js'
import type { Call, Verb } from '../verb.js'

export const revert: Verb = {
  name: 'revert',
  summary: 'put back what a commit replaced, in a new commit',
  usage: 'ID',
  words: [1, 1],
  options: {
    key: {
      type: 'string',
      short: 'k',
      value: 'KEY',
      multiple: true,
      help: 'only this key of the commit; may occur several times',
    },
    force: { type: 'boolean', help: 'even if a key was changed since, or the schema refuses the old value' },
    ...WRITING,
  },
  details: 'If a later commit changed one of the keys, nothing is changed and the exit code is 3.',
  examples: [
    ['durabledict history payments', 'shows the IDs'],
    ["durabledict revert ID -m 'incident 4711 is over'", 'asks, then puts the old values back'],
    ['durabledict revert ID --dry-run', 'shows what it would do'],
  ],
  async run(call) {
    const [id = ''] = call.words
    const desk = await call.open({ readOnly: call.flags.has('dry-run') })
    if (!desk.hasHistory) throw noHistory('revert', desk.name)
    const planned = await plan(desk, id, call)
    if (call.flags.has('dry-run')) {
      await showOutcome(call, desk, {
        changes: planned,
        dryRun: true,
        commit: undefined,
        undo: undefined,
        note: undefined,
      })
      return EXIT.ok
    }
    await confirm(call, `Put back ${keysOf(planned)} of "${desk.name}"?`)
    const terms = termsOf(call)
    const keys = planned.map(({ key }) => key)
    await desk.revert(id, { ...(call.flags.has('key') && { keys }), force: call.flags.has('force') }, terms)
    await showOutcome(call, desk, await outcomeOf(call, desk, planned.filter(isEffective), terms))
    return EXIT.ok
  },
}

function isEffective({ before, after }: KeyChange<unknown>): boolean {
  return before !== after
}

/** How many keys a question names. */
const NAMED = 5

function keysOf(changes: readonly KeyChange<unknown>[]): string {
  const names = changes.slice(0, NAMED).map(({ key }) => JSON.stringify(key))
  return names.join(', ') + (changes.length > NAMED ? ` and ${changes.length - NAMED} more keys` : '')
}

/** What the revert does to the present state. @throws Failure if it would be refused. */
async function plan(desk: Desk, id: string, { flags }: Call): Promise<KeyChange<unknown>[]> {
  const [commit] = await desk.commits({ id, limit: 1 })
  if (!commit) {
    throw new Failure(
      EXIT.different,
      `The history of "${desk.name}" has no commit ${JSON.stringify(id)}. durabledict history lists the commits.`,
    )
  }
  const chosen = chosenOf(commit, flags.texts('key'))
  if (!flags.has('force')) await assertUnchanged(desk, commit, chosen)
  const state = await desk.state()
  return chosen.map(({ key, before }) => ({ key, before: state.stored(key), after: before }))
}

function chosenOf({ id, changes }: StoredCommit<unknown>, keys: readonly string[]): readonly KeyChange<unknown>[] {
  if (keys.length === 0) return changes
  return keys.map(key => {
    const change = changes.find(one => one.key === key)
    if (change) return change
    throw new Failure(EXIT.different, `Commit ${JSON.stringify(id)} did not touch key ${JSON.stringify(key)}.`)
  })
}

/** Up to this many keys are looked up before the question; the revert itself looks up all. */
const LOOKED_UP = 50

async function assertUnchanged(
  desk: Desk,
  { id }: StoredCommit<unknown>,
  changes: readonly KeyChange<unknown>[],
): Promise<void> {
  for (const { key } of changes.slice(0, LOOKED_UP)) {
    const [latest] = await desk.commits({ key, limit: 1 })
    if (latest === undefined || latest.id === id) continue
    throw new Failure(
      EXIT.conflict,
      `Key ${JSON.stringify(key)} was changed since, by commit ${JSON.stringify(latest.id)}, so that nothing was changed. Look at its ` +
        'history first; add --force to put the old values back nevertheless, or name other keys with --key.',
    )
  }
}
