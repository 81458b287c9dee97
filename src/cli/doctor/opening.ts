import { DurableDictError } from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import type { Desk } from '../desk.js'
import { Failure } from '../failure.js'
import type { Access } from '../targets/target.js'
import { type Check, error, type Finding } from './finding.js'

/** A dictionary that could be opened, or why not. */
export type Opened = { readonly desk: Desk } | { readonly findings: readonly Finding[] }

export async function tryToOpen(open: (access: Access) => Promise<Desk>, access: Access): Promise<Opened> {
  try {
    return { desk: await open(access) }
  } catch (fault) {
    return { findings: [findingOf(fault)] }
  }
}

/**
 * Writes without an effect: it removes a key that does not exist. It finds rights that are missing, and stores that refuse writes.
 */
export async function writeFindings(desk: Desk): Promise<Finding[]> {
  try {
    await desk.dict.delete(`durabledict-doctor-${process.pid}-${Date.now()}`)
    return []
  } catch (fault) {
    // A strict dictionary accepts no other key.
    return fault instanceof DurableDictError && fault.code === 'DURABLEDICT_INVALID_KEY' ? [] : [findingOf(fault)]
  }
}

/** By what databases and servers call the fault. */
const KINDS: readonly (readonly [pattern: RegExp, check: Check])[] = [
  [/WRONGTYPE|holds another type/i, 'type'],
  [
    /does not contain this dictionary|it does not exist|does not exist in the store|relation .* does not exist|tables? .*(missing|exist)|42P01|was never created|not created|no such table|unable to open/i,
    'tables',
  ],
  [/\bREADONLY |[Cc]onnected to a replica|read-only transaction|in recovery|recovery mode/, 'role'],
  [
    /NOPERM|NOAUTH|WRONGPASS|permission denied|lacks a right|no rights|not authorized|NO_AUTH|NOT_AUTHENTICATED|authentication failed|readonly database|read-only|EACCES/i,
    'rights',
  ],
]

/** The store does not know the user, or the password is wrong. */
const LOGIN = /rejects the login|NOAUTH|WRONGPASS|password must be a|authentication failed|AUTH_FAILED/i

/** What an error of the library is about. Its message says what to do. */
export function findingOf(fault: unknown): Finding {
  const message = fault instanceof DurableDictError || fault instanceof Failure ? fault.message : describeError(fault)
  const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : undefined
  const text = `${message} ${cause?.message ?? ''} ${(cause as { code?: string } | undefined)?.code ?? ''}`
  const check = KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? 'connection'
  if (LOGIN.test(text)) return error(check, message, 'Correct the user and the password, or let the user log in.')
  return error(check, message, ADVICE[check] ?? 'Correct the address or the network, or start the store.')
}

const ADVICE: Partial<Record<Check, string>> = {
  type: 'Choose another name for the dictionary, or rename the key that is there.',
  role: 'Connect to the primary.',
  rights: 'Grant the rights that the page of the store lists under "Rights".',
  tables: 'Open the dictionary once with the right to create it, or add it to your migrations.',
}
