import { MemoryBackend } from './backends/memory/memory-backend.js'
import { MemoryStore } from './backends/memory/memory-store.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type { Open } from './dictionary/open.js'
import { describe } from './dictionary/open-arguments.js'
import type { CommonOptions } from './dictionary/options.js'

/** A dictionary in the memory of this process: for tests. */
export type MemoryDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

type OpenMemoryDict = Open<[store: MemoryStore | undefined]> &
  (<T extends object = Record<string, unknown>>() => Promise<DurableDict<T>>)

interface MemoryDictKind extends Kind<OpenMemoryDict> {
  /**
   * Opens a dictionary over a store inside this process.
   *
   * @param store - dictionaries over the same one behave like several processes. Default: one of its own.
   */
  readonly open: OpenMemoryDict
}

export const MemoryDict: MemoryDictKind = kindOf<OpenMemoryDict>(
  'MemoryDict',
  async (store: MemoryStore = new MemoryStore(), options?: CommonOptions) => {
    if (!(store instanceof MemoryStore)) {
      throw new TypeError(
        'MemoryDict.open() takes a MemoryStore, or undefined for one of its own, then the options; ' +
          `what comes first is ${describe(store)}.`,
      )
    }
    return DurableDict.open(new MemoryBackend(store), options)
  },
)
