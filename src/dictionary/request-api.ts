import { processWide } from '../process/shared.js'
import type { RequestChecks } from './request-checks.js'
import type { Snapshot } from './views.js'

/** The side of a dictionary that the entry points for web frameworks see, and users do not. */
export interface RequestApi {
  readonly name: string
  /** Whether no bound can be recorded, since the dictionary only reads. */
  readonly readOnly: boolean
  readonly checks: RequestChecks
  /** The bound that the dictionary was opened with, in ms; 0 where it has none. */
  readonly maxStaleness: number
  /** A snapshot of what memory holds now. */
  present(): Snapshot
}

const sides = processWide('dictionaries', () => new WeakMap<object, RequestApi>())

export function attachRequestApi(dictionary: object, side: RequestApi): void {
  sides.set(dictionary, side)
}

/** Nothing where it is no dictionary. */
export function requestApiOf(dictionary: unknown): RequestApi | undefined {
  return typeof dictionary === 'object' && dictionary !== null ? sides.get(dictionary) : undefined
}
