import { randomBytes } from 'node:crypto'

/** What is known to this process alone, and another each time: what the server makes names and secrets of. */
export class Entropy {
  readonly #session = randomBytes(15).toString('hex')
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#session}${this.#count.toString(36)}`
  }
}

/** An id that needs no care inside a version, and a new one each time. */
export function newId(): string {
  return randomBytes(12).toString('hex')
}

/** The nonce of one sending of a batch. */
export function nonceOf(batch: string, sending: number): string {
  return `${SAFE.test(batch) ? batch : escaped(batch)}.${sending}`
}

/** The id of the batch that led to a version. */
export function batchOf(version: string): string {
  const id = version.slice(version.lastIndexOf('-') + 1, version.lastIndexOf('.'))
  if (!id.includes('%')) return id
  try {
    return decodeURIComponent(id)
  } catch {
    // Not of this library.
    return id
  }
}

/** Whether it is a version as scripts/prelude.lua makes them. */
export function isVersion(version: unknown): version is string {
  return typeof version === 'string' && version.length <= LONGEST && VERSION.test(version)
}

const LONGEST = 4_096
const VERSION = /^\d{1,15}-[\w%.]+-[\w%]+\.\d+$/

/** The epoch of a version: the name of the history that it is of. */
export function epochOf(version: string): string {
  const from = version.indexOf('-') + 1
  return version.slice(from, version.indexOf('-', from))
}

const SAFE = /^[A-Za-z0-9_]+$/

/** Dots and hyphens divide a version into its parts. */
function escaped(id: string): string {
  return encodeURIComponent(id).replace(/[^A-Za-z0-9_%]/g, other => `%${other.charCodeAt(0).toString(16)}`)
}
