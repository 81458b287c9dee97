import type { Batch, Effect, Operation, Outcome } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
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

/**
 * Returns the outcomes of the groups and their combined effects, or `undefined` if the codes do not belong to the
 * batch.
 */
export function readOutcomes(
  { groups }: Batch,
  written: Written,
  dictionary: string,
): { outcomes: Outcome[]; effects: Effect[] } | undefined {
  const reading = new Reading(written)
  const outcomes = groups.map(({ conditions, operations }): Outcome => {
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
  })
  return reading.complete ? { outcomes, effects: reading.effects } : undefined
}

/** Returns the result of one operation, and appends its effect. */
function result(operation: Operation, reading: Reading): unknown {
  const { effects } = reading
  const code = reading.code()
  switch (operation.type) {
    case 'touch':
      throw new TypeError('The script has no operation "touch".')
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
