import type { Batch, Effect, Group, Operation, Outcome } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { type CommitNote, noteOf, notesWorthKeeping } from '../../contract/history.js'
import { DecodingError } from '../../errors/errors.js'
import type { Written } from './change-record.js'

/** Reads the results of a batch, code by code. */
class Reading {
  readonly effects: Effect[] = []
  readonly #written: Written
  #at = 0
  #next = 0

  constructor(written: Written) {
    this.#written = written
  }

  /** Whether all codes and values were read, so that the record belongs to this batch. */
  get complete(): boolean {
    return this.#at === this.#written.codes.length && this.#next === this.#written.values.length
  }

  peek(): string | undefined {
    return this.#written.codes[this.#at]
  }

  code(): string | undefined {
    const code = this.peek()
    this.#at += 1
    return code
  }

  /** The previous value. */
  value(): string {
    const value = this.#written.values[this.#next]
    this.#next += 1
    return value as string
  }
}

/** What a batch did. */
export interface Read {
  readonly outcomes: Outcome[]
  readonly effects: Effect[]
  readonly notes: readonly CommitNote[] | undefined
}

/** Returns the outcomes of the groups and their combined effects, or `undefined` if the codes do not belong to the batch. */
export function readOutcomes({ groups }: Batch, written: Written, dictionary: string): Read | undefined {
  const reading = new Reading(written)
  const { effects } = reading
  const notes: CommitNote[] = []
  const outcomes = groups.map(group => {
    const before = effects.length
    const outcome = outcomeOf(group, reading, dictionary)
    if (effects.length > before) notes.push(noteOf(group.attribution, effects.length - before))
    return outcome
  })
  return reading.complete ? { outcomes, effects, notes: notesWorthKeeping(notes) } : undefined
}

function outcomeOf({ conditions, operations }: Group, reading: Reading, dictionary: string): Outcome {
  if (conditions.length > 0 && reading.peek() === 'x') {
    reading.code()
    return { status: 'conflict' }
  }
  const [first] = operations
  if (operations.length === 1 && first?.type === 'pop' && reading.peek() === 'b') {
    reading.code()
    return { status: 'refused', error: unreadable(first.key, dictionary) }
  }
  return { status: 'done', results: operations.map(operation => result(operation, reading)) }
}

/** Returns the result of one operation, and appends its effect. */
function result(operation: Operation, reading: Reading): unknown {
  const { effects } = reading
  const code = reading.code()
  switch (operation.type) {
    case 'touch':
      if (code === 'f') effects.push({ type: 'delete', key: operation.key })
      else if (code === 'v') effects.push({ type: 'set', key: operation.key, stored: reading.value() })
      return undefined
    case 'set':
      effects.push({ type: 'set', key: operation.key, stored: operation.stored })
      return undefined
    case 'delete':
      if (code === 't') effects.push({ type: 'delete', key: operation.key })
      return code === 't'
    case 'pop':
      if (code === 'b') return damaged()
      if (code !== 'v') return undefined
      effects.push({ type: 'delete', key: operation.key })
      return reading.value()
    case 'setDefault':
      if (code === 'b') return damaged()
      if (code === 'v') return reading.value()
      effects.push({ type: 'set', key: operation.key, stored: operation.stored })
      return operation.stored
    case 'clear':
      if (code === 't') effects.push({ type: 'clear' })
      return undefined
  }
}

/** Replaces a stored value that is not text. */
function damaged(): unknown {
  return new DamagedValue('Its bytes are not UTF-8 text.')
}

function unreadable(key: string, dictionary: string): DecodingError {
  return new DecodingError(
    `The value of key "${key}" of dictionary "${dictionary}" was not popped: its bytes are not UTF-8 text. ` +
      'Remove it with delete(), or overwrite it.',
    { dictionary, key },
  )
}
