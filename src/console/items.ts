import { isDeepStrictEqual } from 'node:util'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Operator } from './operator.js'
import type { Item, LatestChange } from './protocol.js'
import { previewOf } from './texts.js'

/** What an item is made from. */
export interface ItemSource {
  readonly key: string
  readonly state: FrozenState
  readonly changed: LatestChange | undefined
  readonly writable: boolean
  readonly masked: boolean
}

export function toItem(operator: Operator, { key, state, changed, writable, masked }: ItemSource): Item {
  const stored = state.stored(key)
  const declares = operator.declared.has(key)
  const base = { key, stored: stored !== undefined, declared: declares, writable, ...(changed && { changed }) }
  if (masked) return { ...base, masked }
  const declared = operator.defaultOf(key)
  if (stored === undefined) return declared ? { ...base, preview: previewOf(declared.value) } : base
  try {
    return { ...base, ...described(operator, key, stored, operator.decode(key, stored), declared) }
  } catch {
    return { ...base, unfit: true, ...(declared && { differs: true }) }
  }
}

function described(
  operator: Operator,
  key: string,
  stored: unknown,
  value: unknown,
  declared: { readonly value: unknown } | undefined,
): Pick<Item, 'preview' | 'unfit' | 'differs'> {
  return {
    preview: previewOf(value),
    ...(!fits(operator, key, stored) && { unfit: true }),
    ...(declared && { differs: !isDeepStrictEqual(value, declared.value) }),
  }
}

/** Whether the dictionary could write the stored value itself. */
function fits(operator: Operator, key: string, stored: unknown): boolean {
  if (!operator.hasSchema) return true
  try {
    operator.checkStored(key, stored)
    return true
  } catch {
    return false
  }
}
