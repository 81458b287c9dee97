import type { Attribution, Via } from '../../contract/history.js'
import { wrong } from '../option-checks.js'

/** The longest `by`, in bytes of UTF-8. */
const MAX_BY = 256

/** The longest `reason`, in bytes of UTF-8. */
const MAX_REASON = 1_024

/** Who makes a write and why, as the caller says it. */
export interface AttributionOptions {
  /**
   * Who makes the write, for the history: a non-empty text of at most 256 bytes of UTF-8. Default: the `by` of `as()`, else that of
   * the request (`freshPerRequest(…, { by })`), else that of `open`.
   *
   * @example
   * await settings.set('payments', 'off', { by: 'ada@example.com' })
   */
  by?: string | undefined
  /**
   * Why, for the history: a text of at most 1,024 bytes of UTF-8. Default: none.
   *
   * @example
   * await settings.set('payments', 'off', { by: 'ada@example.com', reason: 'incident 4711' })
   */
  reason?: string | undefined
}

/** An attribution, and how the write is made: only the console and the command line say so. */
export interface MarkedAttribution extends AttributionOptions {
  readonly via?: Via | undefined
}

/** The attribution in these options, where each member is read once. @throws TypeError unless they can be an author and a reason. */
export function checkAttribution({ by, reason }: AttributionOptions): AttributionOptions {
  return { by: checkBy(by), reason: checkReason(reason) }
}

/** What the options say themselves; what they leave out is taken from the others. */
export function withFallback({ by, reason }: AttributionOptions, fallback: MarkedAttribution): MarkedAttribution {
  return { by: by ?? fallback.by, reason: reason ?? fallback.reason, via: fallback.via }
}

/** @throws TypeError unless it can be an author. */
export function checkBy(by: unknown): string | undefined {
  return checkText('by', by, MAX_BY)
}

function checkReason(reason: unknown): string | undefined {
  return checkText('reason', reason, MAX_REASON)
}

/** Databases cannot store NUL in text. @throws TypeError unless it is a text of at most `max` bytes. */
export function checkText(name: string, text: unknown, max: number): string | undefined {
  if (text === undefined) return undefined
  const fits = typeof text === 'string' && text !== '' && Buffer.byteLength(text) <= max
  if (fits && text.isWellFormed() && !text.includes('\0')) return text
  const wanted = `a non-empty, well-formed text without NUL, of at most ${max} bytes of UTF-8`
  if (typeof text !== 'string') throw wrong(name, wanted, text)
  throw new TypeError(`Option "${name}" must be ${wanted}; got a text of ${Buffer.byteLength(text)} bytes.`)
}

/** What a write says about itself, or its surroundings say; `undefined` if that is nothing. */
export function attributionOf(
  { by, reason, via }: MarkedAttribution,
  fallback: () => string | undefined,
): Attribution | undefined {
  const author = by ?? checkBy(fallback())
  if (author === undefined && reason === undefined && via === undefined) return undefined
  return { by: author, reason, ...(via !== undefined && { via }) }
}
