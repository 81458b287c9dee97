import type { Version } from '../../contract/backend.js'
import { builtin } from '../../process/builtin.js'

/**
 * A state in a dictionary's history: a number, an epoch (new for each creation of the dictionary) and a nonce (new for each commit).
 * So no version recurs, even after a backup is restored.
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

/** Parses a version. Returns `undefined` if {@link toVersion} cannot have made it. */
export function parseVersion(version: Version): VersionParts | undefined {
  const [, number, epoch, nonce] = VERSION.exec(String(version)) ?? []
  return epoch === undefined || nonce === undefined ? undefined : { number: Number(number), epoch, nonce }
}

/** Returns the nonce of a new commit. */
export function newNonce(): string {
  return builtin.crypto.randomBytes(12).toString('hex')
}

/** Returns the epoch of a new history. It is short, because histories are rarely created. */
export function newEpoch(): string {
  return builtin.crypto.randomBytes(6).toString('hex')
}
