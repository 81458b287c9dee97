import { processWide } from '../process/shared.js'
import type { RequestChecks } from './request-checks.js'
import type { Snapshot } from './views.js'

/** The methods of a dictionary for the web framework integrations. Users do not see them. */
export interface RequestApi {
  readonly name: string
  /** What requests know the dictionary by: the same for each of its views. */
  readonly identity: object
  /** Whether the dictionary only reads, so that no bound can be recorded. */
  readonly readOnly: boolean
  readonly checks: RequestChecks
  /** The bound that the dictionary was opened with, in ms; 0 if it has none. */
  readonly maxStaleness: number
  /** Returns a snapshot of what memory holds now. */
  present(): Snapshot
}

const sides = processWide('dictionaries', () => new WeakMap<object, RequestApi>())

export function attachRequestApi(dictionary: object, side: RequestApi): void {
  sides.set(dictionary, side)
}

/** Returns `undefined` if it is not a dictionary. */
export function requestApiOf(dictionary: unknown): RequestApi | undefined {
  return typeof dictionary === 'object' && dictionary !== null ? sides.get(dictionary) : undefined
}
