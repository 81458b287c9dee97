import type { KeyChange } from '../contract/history.js'
import { checkAttribution } from '../dictionary/history/attribution.js'
import type { Desk, Terms } from './desk.js'
import { entryOf, shownText } from './entries.js'
import { usage } from './failure.js'
import { shellCommand } from './values/shell.js'
import { inJson, isTagged } from './values/value-text.js'
import type { Call } from './verb.js'

/** What the user wants of every change. @throws TypeError unless `--by` and `--reason` fit into the history. */
export function termsOf({ flags, terminal, screen }: Call): Terms {
  // The library checks them only where programs pass them.
  const { reason } = checkAttribution({ by: flags.text('by'), reason: flags.text('reason') })
  return {
    by: flags.text('by') ?? terminal.author,
    reason,
    everywhere: flags.has('everywhere')
      ? { onProgress: progress => void screen.note(progressOf(progress)) }
      : undefined,
  }
}

interface Progress {
  readonly current: number
  readonly total: number
  readonly waitingFor: readonly { readonly host: string; readonly service?: string | undefined }[]
}

/** How many processes a line names. */
const NAMED = 5

function progressOf({ current, total, waitingFor }: Progress): string {
  const done = `${current} of ${total} processes`
  if (waitingFor.length === 0) return done
  const names = waitingFor.slice(0, NAMED).map(({ host, service }) => (service ? `${host} (${service})` : host))
  const more = waitingFor.length > NAMED ? ` and ${waitingFor.length - NAMED} more` : ''
  return `${done}; waiting for ${names.join(', ')}${more}`
}

/** What was changed, or would be. */
export interface Outcome {
  readonly changes: readonly KeyChange<unknown>[]
  readonly dryRun: boolean
  /** The commit, if the store keeps a history. */
  readonly commit: string | undefined
  /** The command that undoes it. */
  readonly undo: string | undefined
  readonly note: string | undefined
}

/** Looks up the commit of the changes, and the command that undoes it. */
export async function outcomeOf(
  call: Call,
  desk: Desk,
  changes: readonly KeyChange<unknown>[],
  terms: Terms,
): Promise<Outcome> {
  if (changes.length === 0) return { changes, dryRun: false, commit: undefined, undo: undefined, note: undefined }
  const { words, note } = await call.target()
  const commit = await commitOf(desk, changes, terms)
  const command = commit === undefined ? withoutHistory(desk, changes) : ['revert', commit, '--yes']
  const undo = command && shellCommand(['npx', 'durabledict', ...beforeWords(command, words)])
  return { changes, dryRun: false, commit, undo, note: undo && note }
}

/** Options come before `--`. */
function beforeWords(command: readonly string[], options: readonly string[]): string[] {
  const end = command.indexOf('--')
  return end < 0 ? [...command, ...options] : [...command.slice(0, end), ...options, ...command.slice(end)]
}

/** How many of the latest commits of a key are looked at. */
const LOOKED_AT = 20

async function commitOf(
  desk: Desk,
  [first, ...others]: readonly KeyChange<unknown>[],
  { by, reason }: Terms,
): Promise<string | undefined> {
  if (!first || !desk.hasHistory) return undefined
  const commits = await desk.commits({ key: first.key, limit: LOOKED_AT })
  const own = commits.find(commit => {
    const { after } = commit.changes.find(({ key }) => key === first.key) ?? {}
    const same = commit.via === 'cli' && commit.by === by && commit.reason === reason
    return same && commit.changes.length === others.length + 1 && String(after) === String(first.after)
  })
  return own?.id
}

/** On a store without history, one key can be put back on the condition that it was not changed since. */
function withoutHistory(desk: Desk, changes: readonly KeyChange<unknown>[]): string[] | undefined {
  const [change] = changes
  if (!change || changes.length > 1) return undefined
  const { key, before, after } = change
  const condition = after === undefined ? ['--if-absent'] : ['--if-value', desk.textOf(key, after)]
  if (before === undefined) return ['unset', '--yes', '--encoded', ...condition, '--', key]
  return ['set', '--encoded', ...condition, '--', key, desk.textOf(key, before)]
}

/** Shows what was changed, and how to undo it. */
export async function showOutcome({ screen }: Call, desk: Desk, outcome: Outcome): Promise<void> {
  const { changes, undo, note, dryRun } = outcome
  if (!screen.isTable) {
    await screen.json(outcomeJson(desk, outcome))
    return
  }
  if (changes.length === 0) await screen.line('Nothing changes.')
  for (const change of changes) await screen.line(lineOf(desk, change))
  if (dryRun) await screen.line('Nothing was changed: this was a dry run.')
  if (note !== undefined) await screen.line(note)
  if (undo !== undefined) await screen.line(`Undo: ${undo}`)
}

/** How much of a value a line shows, in characters. */
const MAX_SHOWN = 500

export function lineOf(desk: Desk, { key, before, after }: KeyChange<unknown>): string {
  const side = (stored: unknown) =>
    stored === undefined ? '(absent)' : shortened(shownText(entryOf(desk, key, stored).text))
  return `${JSON.stringify(key)}: ${side(before)} → ${side(after)}`
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}… (${text.length} characters)` : text
}

function outcomeJson(desk: Desk, { changes, dryRun, commit, undo, note }: Outcome): string {
  const members = [
    `"changes": [${changes.map(change => changeJson(desk, change)).join(', ')}]`,
    `"dryRun": ${dryRun}`,
    ...(commit === undefined ? [] : [`"commit": ${JSON.stringify(commit)}`]),
    ...(undo === undefined ? [] : [`"undo": ${JSON.stringify(undo)}`]),
    ...(note === undefined ? [] : [`"note": ${JSON.stringify(note)}`]),
  ]
  return `{ ${members.join(', ')} }`
}

/** A side is absent if the key was absent. */
export function changeJson(desk: Desk, { key, before, after }: KeyChange<unknown>): string {
  const side = (name: string, stored: unknown) => {
    if (stored === undefined) return []
    const { text, error } = entryOf(desk, key, stored)
    return [text === undefined ? `"${name}Error": ${JSON.stringify(error)}` : `"${name}": ${inJson(text)}`]
  }
  return `{ ${[`"key": ${JSON.stringify(key)}`, ...side('before', before), ...side('after', after)].join(', ')} }`
}

/** A change of the type is often a slip of the pen: says so. */
export async function noteOtherType(call: Call, desk: Desk, { key, before, after }: KeyChange<unknown>): Promise<void> {
  if (before === undefined || after === undefined) return
  const [old, now] = [before, after].map(stored => typeName(entryOf(desk, key, stored).text))
  if (old !== now && old !== undefined)
    await call.screen.note(`Note: the value was of type ${old}, and is now of type ${now}.`)
}

function typeName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (isTagged(text)) return 'other than JSON'
  const value: unknown = JSON.parse(text)
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

export function assertOneReading(flags: Call['flags']): 'string' | 'json' | 'encoded' | undefined {
  const given = (['string', 'json', 'encoded'] as const).filter(name => flags.has(name))
  if (given.length > 1) throw usage(`Choose one of ${given.map(name => `--${name}`).join(', ')}.`)
  return given[0]
}
