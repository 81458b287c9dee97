import { builtin } from '../../process/builtin.js'

/** Random text, different for each call and known only to this process. The server derives names and secrets from it. */
export class Entropy {
  readonly #session = builtin.crypto.randomBytes(15).toString('hex')
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#session}${this.#count.toString(36)}`
  }
}

/** A new id that needs no escaping inside a version. */
export function newId(): string {
  return builtin.crypto.randomBytes(12).toString('hex')
}

/** The nonce of one attempt to send a batch. */
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
    // Another program wrote it.
    return id
  }
}

/** Returns whether this is a version in the format of scripts/prelude.lua. */
export function isVersion(version: unknown): version is string {
  return typeof version === 'string' && version.length <= LONGEST && VERSION.test(version)
}

const LONGEST = 4_096
const VERSION = /^\d{1,15}-[\w%.]+-[\w%]+\.\d+$/

/** The version after this one, made by the attempt with this nonce. */
export function nextVersion(version: string, nonce: string): string {
  return `${Number.parseInt(version, 10) + 1}-${epochOf(version)}-${nonce}`
}

/** How many characters of two nonces `briefly` compares: those that the ids of one process begin with. */
const SERIES = 12

/** A base and a nonce in one text: see scripts/fast-set.lua. */
export function briefly(base: string, nonce: string): string {
  const from = base.lastIndexOf('-') + 1
  const isSame = base.startsWith(nonce.slice(0, SERIES), from)
  const rest = nonce.endsWith('.1') ? nonce.slice(0, -2) : nonce
  return isSame && rest.length >= SERIES ? `${base}+${rest.slice(SERIES)}` : `${base} ${rest}`
}

/** The epoch of a version: the name of its history. */
export function epochOf(version: string): string {
  const from = version.indexOf('-') + 1
  return version.slice(from, version.indexOf('-', from))
}

const SAFE = /^[A-Za-z0-9_]+$/

/** Escapes dots and hyphens, which separate the parts of a version. */
function escaped(id: string): string {
  return encodeURIComponent(id).replace(/[^A-Za-z0-9_%]/g, other => `%${other.charCodeAt(0).toString(16)}`)
}
