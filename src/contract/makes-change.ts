import type { Batch, Effect } from './backend.js'

/**
 * Whether a batch makes a change: it has effects, or asks for acknowledgements by a group that does nothing else. See
 * {@link Batch.acknowledge}.
 */
export function makesChange(
  { acknowledge, groups }: Pick<Batch<unknown>, 'groups'> & Partial<Batch<unknown>>,
  effects: readonly Effect<unknown>[],
): boolean {
  if (effects.length > 0) return true
  return (
    acknowledge === true && groups.some(({ conditions, operations }) => conditions.length + operations.length === 0)
  )
}
