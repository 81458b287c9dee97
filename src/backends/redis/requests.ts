import type { Batch, Condition, Group, Operation, Outcome } from '../../contract/backend.js'
import { type Attribution, noteOf } from '../../contract/history.js'
import { InvalidValueError } from '../../errors/errors.js'

/**
 * The most bytes of one value, and of one batch. The server accepts 512 MiB for one argument (proto-max-bulk-len) and
 * 1 GiB for one command. Clients build a command as one string of at most 512 Mi characters.
 */
const MAX_BYTES = 400 * 2 ** 20

/** A batch as arguments of the commit script. */
export interface Request {
  readonly batch: Batch
  readonly args: readonly string[]
  /** The key and the value, if the batch is one set by nobody in particular: it can be sent in the short form. */
  readonly oneSet: readonly [key: string, value: string] | undefined
  /** Whether the batch can only make the dictionary smaller. */
  readonly shrinks: boolean
  /** The outcomes of the groups that were refused before sending, by index in the original batch. */
  readonly refused: ReadonlyMap<number, Outcome>
}

/** Converts a batch to arguments of the script, without the groups that the server would not accept. */
export function toRequest(batch: Batch, dictionary: string): Request {
  const refused = refuse(batch, dictionary)
  const groups = refused.size === 0 ? batch.groups : batch.groups.filter((_, index) => !refused.has(index))
  const args: string[] = []
  let shrinks = true
  for (const group of groups) {
    if (group.attribution) addAttribution(group.attribution, args)
    if (group.conditions.length > 0 || group.operations.length !== 1) addConditions(group, args)
    for (const operation of group.operations) {
      if (addOperation(operation, args)) shrinks = false
    }
  }
  const oneSet = args.length === 3 && args[0] === 's' ? ([args[1], args[2]] as [string, string]) : undefined
  return { batch: refused.size === 0 ? batch : { ...batch, groups }, args, oneSet, shrinks, refused }
}

/** Inserts the outcomes of the refused groups between the others. */
export function withRefused(outcomes: Outcome[], { refused }: Request): Outcome[] {
  if (refused.size === 0) return outcomes
  const all = [...outcomes]
  for (const [index, outcome] of [...refused].sort(([left], [right]) => left - right)) all.splice(index, 0, outcome)
  return all
}

const NAMES = [
  ['b', 'by'],
  ['r', 'reason'],
  ['v', 'via'],
] as const

function addAttribution(attribution: Attribution, args: string[]): void {
  const note = noteOf(attribution, 0)
  const known = NAMES.filter(([, name]) => note[name] !== undefined)
  if (known.length === 0) return
  args.push('w', known.map(([letter]) => letter).join(''), ...known.map(([, name]) => note[name] as string))
}

function addConditions({ conditions, operations }: Group, args: string[]): void {
  args.push('g', String(operations.length), String(conditions.length))
  for (const condition of conditions) addCondition(condition, args)
}

function addCondition(condition: Condition, args: string[]): void {
  if (condition.type === 'version') args.push('v', String(condition.version))
  else args.push('u', condition.key, String(condition.since))
}

/** Returns whether the operation may insert an entry. */
function addOperation(operation: Operation, args: string[]): boolean {
  switch (operation.type) {
    case 'set':
      args.push('s', operation.key, operation.stored)
      return true
    case 'setDefault':
      args.push('f', operation.key, operation.stored)
      return true
    case 'delete':
      args.push('d', operation.key)
      return false
    case 'pop':
      args.push('p', operation.key)
      return false
    case 'clear':
      args.push('c')
      return false
    case 'touch':
      if (operation.before === undefined) args.push('o', operation.key)
      else args.push('t', operation.key, operation.before)
      return true
  }
}

const NONE: ReadonlyMap<number, Outcome> = new Map()

/** Returns the groups that are too large, exceed the rest of the batch's limit, or are not text. */
function refuse({ groups }: Batch, dictionary: string): ReadonlyMap<number, Outcome> {
  if (groups.every(isText) && isSmall(groups)) return NONE
  const refused = new Map<number, Outcome>()
  let total = 0
  for (const [index, group] of groups.entries()) {
    const bytes = length(group, Buffer.byteLength)
    if (!isText(group)) refused.set(index, { status: 'refused', error: notText(group, dictionary) })
    else if (total + bytes > MAX_BYTES)
      refused.set(index, { status: 'refused', error: tooLarge(group, bytes, dictionary) })
    else total += bytes
  }
  return refused
}

/** A character takes at most three bytes, so the bytes rarely need to be counted. */
function isSmall(groups: readonly Group[]): boolean {
  return groups.reduce((sum, group) => sum + length(group, text => text.length), 0) * 3 <= MAX_BYTES
}

/** Returns whether UTF-8 can represent the stored values, so that they are read back unchanged. */
function isText({ operations }: Group): boolean {
  return operations.every(operation => sentValue(operation).isWellFormed())
}

/** The value that an operation sends; '' if it sends none. */
function sentValue(operation: Operation): string {
  if (operation.type === 'touch') return operation.before ?? ''
  return 'stored' in operation ? operation.stored : ''
}

function length({ operations }: Group, measure: (text: string) => number): number {
  let sum = 0
  for (const operation of operations) {
    if ('key' in operation) sum += measure(operation.key)
    sum += measure(sentValue(operation))
  }
  return sum
}

function keyOf({ operations }: Group): string | undefined {
  const [first] = operations
  return operations.length === 1 && first && 'key' in first ? first.key : undefined
}

function notText(group: Group, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `A value for dictionary "${dictionary}" is not well-formed text: its encoding must not return lone surrogates.`,
    { dictionary, key: keyOf(group) },
  )
}

function tooLarge(group: Group, bytes: number, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `A write of ${bytes} bytes to dictionary "${dictionary}" is too large: a single write to Redis can have at most ${MAX_BYTES} bytes. ` +
      'Nothing was written.',
    { dictionary, key: keyOf(group) },
  )
}
