import { randomBytes } from 'node:crypto'

/** Names that are never given twice, by no process: for executions of scripts that are no batch. */
export class Nonces {
  readonly #session = randomBytes(9).toString('hex')
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#session}${this.#count.toString(36)}.0`
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
  return id.includes('%') ? decodeURIComponent(id) : id
}

const SAFE = /^[A-Za-z0-9_]+$/

/** Dots and hyphens divide a version into its parts. */
function escaped(id: string): string {
  return encodeURIComponent(id).replace(/[^A-Za-z0-9_%]/g, other => `%${other.charCodeAt(0).toString(16)}`)
}
