import type { Operation } from './backend.js'
import { DamagedValue } from './damaged-value.js'
import { sameStored } from './same-stored.js'

/** The operations that announce the difference. Damaged values cannot be announced. */
export function announcements<S>(
  before: ReadonlyMap<string, S>,
  after: ReadonlyMap<string, S>,
): Extract<Operation<S>, { type: 'touch' }>[] {
  const keys = [...before.keys()].filter(key => !after.has(key))
  for (const [key, stored] of after) {
    if (!sameStored(before.get(key), stored) && !(stored instanceof DamagedValue)) keys.push(key)
  }
  return keys.map(key => {
    const known = before.get(key)
    return known instanceof DamagedValue ? { type: 'touch', key } : { type: 'touch', key, before: known }
  })
}
