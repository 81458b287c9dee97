import type { Version } from '../../contract/backend.js'
import { builtin } from '../../process/builtin.js'

/**
 * A state in a dictionary's history: a number, the epoch (one for each creation of the dictionary) and the nonce (one for each
 * commit), so that it never recurs, whatever is restored.
 */
export interface VersionParts {
  readonly number: number
  readonly epoch: string
  readonly nonce: string
}

const VERSION = /^(\d+)-([0-9a-f]+)-([0-9a-f]+)$/

export function toVersion(number: number, epoch: string, nonce: string): string {
  return `${number}-${epoch}-${nonce}`
}

/** The parts of a version; `undefined` where it was not made by {@link toVersion}. */
export function parseVersion(version: Version): VersionParts | undefined {
  const [, number, epoch, nonce] = VERSION.exec(String(version)) ?? []
  return epoch === undefined || nonce === undefined ? undefined : { number: Number(number), epoch, nonce }
}

/** Of a commit. */
export function newNonce(): string {
  return builtin.crypto.randomBytes(12).toString('hex')
}

/** Of a history: short, since it is founded once. */
export function newEpoch(): string {
  return builtin.crypto.randomBytes(6).toString('hex')
}
