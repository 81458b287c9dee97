import type { Batch, Condition, Group, Operation, Outcome } from '../../contract/backend.js'
import { InvalidValueError } from '../../errors/errors.js'

/**
 * The most that one value, and one batch, may take in bytes. The server takes 512 MiB for one argument
 * (proto-max-bulk-len) and 1 GiB for one command, and clients build it as one string of at most 512 Mi characters.
 */
const MAX_BYTES = 400 * 2 ** 20

/** A batch as the commit script takes it. */
export interface Request {
  readonly batch: Batch
  readonly args: readonly string[]
  /** Whether it can only make the dictionary smaller. */
  readonly shrinks: boolean
  /** What was refused here already, by the index of its group in the original batch. */
  readonly refused: ReadonlyMap<number, Outcome>
}

/** Puts a batch into the arguments of the script, less the groups that the server could not take. */
export function toRequest(batch: Batch, dictionary: string): Request {
  const refused = refuse(batch, dictionary)
  const groups = refused.size === 0 ? batch.groups : batch.groups.filter((_, index) => !refused.has(index))
  const args: string[] = []
  let shrinks = true
  for (const group of groups) {
    if (group.conditions.length > 0) addConditions(group, args)
    for (const operation of group.operations) {
      if (addOperation(operation, args)) shrinks = false
    }
  }
  return { batch: refused.size === 0 ? batch : { id: batch.id, groups }, args, shrinks, refused }
}

/** Puts what was refused back between the outcomes of the others. */
export function withRefused(outcomes: Outcome[], { refused }: Request): Outcome[] {
  if (refused.size === 0) return outcomes
  const all = [...outcomes]
  for (const [index, outcome] of [...refused].sort(([left], [right]) => left - right)) all.splice(index, 0, outcome)
  return all
}

function addConditions({ conditions, operations }: Group, args: string[]): void {
  args.push('g', String(operations.length), String(conditions.length))
  for (const condition of conditions) addCondition(condition, args)
}

function addCondition(condition: Condition, args: string[]): void {
  if (condition.type === 'version') args.push('v', String(condition.version))
  else args.push('u', condition.key, String(condition.since))
}

/** Whether it may insert something. */
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
  }
}

const NONE: ReadonlyMap<number, Outcome> = new Map()

/** The groups that are too large, or do not fit in any more, or are no text. */
function refuse({ groups }: Batch, dictionary: string): ReadonlyMap<number, Outcome> {
  if (groups.every(isText) && isSmall(groups)) return NONE
  const refused = new Map<number, Outcome>()
  let total = 0
  for (const [index, group] of groups.entries()) {
    const bytes = length(group, Buffer.byteLength)
    if (!isText(group)) refused.set(index, { status: 'refused', error: noText(group, dictionary) })
    else if (total + bytes > MAX_BYTES)
      refused.set(index, { status: 'refused', error: tooLarge(group, bytes, dictionary) })
    else total += bytes
  }
  return refused
}

/** A character takes three bytes at most: hardly ever is there anything to count. */
function isSmall(groups: readonly Group[]): boolean {
  return groups.reduce((sum, group) => sum + length(group, text => text.length), 0) * 3 <= MAX_BYTES
}

/** Whether UTF-8 can hold what is to be stored, so that it is read as it was written. */
function isText({ operations }: Group): boolean {
  return operations.every(operation => !('stored' in operation) || operation.stored.isWellFormed())
}

function length({ operations }: Group, measure: (text: string) => number): number {
  let sum = 0
  for (const operation of operations) {
    if ('key' in operation) sum += measure(operation.key)
    if ('stored' in operation) sum += measure(operation.stored)
  }
  return sum
}

function keyOf({ operations }: Group): string | undefined {
  const [first] = operations
  return operations.length === 1 && first && 'key' in first ? first.key : undefined
}

function noText(group: Group, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `What is to be stored in dictionary "${dictionary}" is no well-formed text: an encoding must not give lone surrogates.`,
    { dictionary, key: keyOf(group) },
  )
}

function tooLarge(group: Group, bytes: number, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `A write of ${bytes} bytes to dictionary "${dictionary}" is too large for Redis: at most ${MAX_BYTES} are taken at once. ` +
      'Nothing was written.',
    { dictionary, key: keyOf(group) },
  )
}
