import type { Version } from '../contract/backend.js'
import { builtin } from '../process/builtin.js'
import type { FrozenState } from '../replica/frozen-state.js'

/** Says which stored value a page showed: by its content or, if that must not leave the server, by the version of the state. */
export type Shown =
  | { readonly type: 'content'; readonly token: string }
  | { readonly type: 'since'; readonly version: Version }

const ABSENT = 'absent'

/** Returns the token of what is stored under a key, in this state. */
export function tokenOf(state: FrozenState, key: string, isMasked: boolean): string {
  const content = isMasked ? undefined : contentToken(state.stored(key))
  return content ?? `since ${typeof state.version} ${state.version}`
}

/** Returns what the token says; `undefined` if it is none. The digest of a masked value is refused: it would confirm guesses. */
export function parseToken(token: string, isMasked: boolean): Shown | undefined {
  if (isMasked && token.startsWith('sha256 ')) return undefined
  if (token === ABSENT || /^sha256 [\w-]{43}$/.test(token)) return { type: 'content', token }
  const [, kind, text = ''] = /^since (string|number|bigint) (.*)$/s.exec(token) ?? []
  if (kind === 'string') return { type: 'since', version: text }
  if (kind === 'bigint' && /^-?\d+$/.test(text)) return { type: 'since', version: BigInt(text) }
  if (kind === 'number' && text !== '') return { type: 'since', version: Number(text) }
  return undefined
}

/** Whether the value is still the one that was shown, as far as its content says. */
export function isStill(shown: Shown, state: FrozenState, key: string): boolean {
  return shown.type === 'since' || contentToken(state.stored(key)) === shown.token
}

/** Only text and bytes have one form for each value. */
function contentToken(stored: unknown): string | undefined {
  if (stored === undefined) return ABSENT
  if (typeof stored !== 'string' && !(stored instanceof Uint8Array)) return undefined
  return `sha256 ${builtin.crypto.createHash('sha256').update(stored).digest('base64url')}`
}
