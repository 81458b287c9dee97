import type { Backend } from '../contract/backend.js'
import type { Connectable } from '../contract/connectable.js'
import { DurableDict } from './durable-dict.js'
import type { CommonOptions } from './options.js'

/** Opens a dictionary on a store that must be connected first. The public declaration of `open` takes backends only. */
export function openSource(source: Connectable, options: CommonOptions): Promise<DurableDict> {
  return DurableDict.open(source as unknown as Backend<unknown>, options)
}
