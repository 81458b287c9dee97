import { DurableDictError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Desk } from './desk.js'
import { byCodePoint } from './entries.js'

/** What is wrong with a stored value. */
export interface ValueFault {
  readonly key: string
  readonly problem: 'schema' | 'undecodable' | 'undeclared'
  /** Never contains the value. */
  readonly message: string
}

/** Compares all stored values with the encoding, the schema and the declared keys. */
export function valueFaults(desk: Desk, state: FrozenState): ValueFault[] {
  const { declared } = desk
  return state
    .keys()
    .toSorted(byCodePoint)
    .flatMap(key => {
      const undeclared = declared.size > 0 && !declared.has(key) && desk.schemaOf(key) === undefined
      return undeclared ? [undeclaredFault(key)] : (faultOf(desk, key, state.stored(key)) ?? [])
    })
}

function undeclaredFault(key: string): ValueFault {
  return {
    key,
    problem: 'undeclared',
    message: 'Neither the schema nor the defaults of durabledict.config name this key.',
  }
}

function faultOf(desk: Desk, key: string, stored: unknown): ValueFault | undefined {
  try {
    // As if it were written: the message then lists the issues, without the value.
    const value = desk.decode(key, stored)
    if (desk.schemaOf(key)) desk.encode(key, value)
    return undefined
  } catch (error) {
    if (!(error instanceof DurableDictError)) throw error
    const problem = error.code === 'DURABLEDICT_DECODING' ? 'undecodable' : 'schema'
    return { key, problem, message: error.message }
  }
}
