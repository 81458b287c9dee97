import { MemoryBackend } from './backends/memory/memory-backend.js'
import { MemoryStore } from './backends/memory/memory-store.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import { describe } from './dictionary/open-arguments.js'
import type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'

/** A dictionary in the memory of this process, for tests. */
export type MemoryDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

interface OpenMemoryDict {
  /**
   * Opens a dictionary on a store inside this process. The schema defines the types and validates values.
   *
   * @param store - dictionaries on the same store behave like several processes. Default: a new store.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await MemoryDict.open(undefined, {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    store: MemoryStore | undefined,
    options: SchemaOptions<S, D>,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens a dictionary on a store inside this process. You name the type, and every key has a default.
   *
   * @param store - dictionaries on the same store behave like several processes. Default: a new store.
   * @param options - with `defaults` for every key.
   * @example
   * await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    store: MemoryStore | undefined,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>>,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary on a store inside this process. You name the type and the keys that have a default (by default all that
   * are not optional).
   *
   * @param store - dictionaries on the same store behave like several processes. Default: a new store.
   * @param options - with `defaults` for these keys.
   * @example
   * await MemoryDict.open<Settings, 'theme'>(undefined, { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    store: MemoryStore | undefined,
    options: OptionsOf<NoInfer<T>, NoInfer<K>>,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens a dictionary on a store inside this process. The defaults define the types: `get` never returns `undefined`, and
   * other keys do not compile.
   *
   * @param store - dictionaries on the same store behave like several processes. Default: a new store.
   * @param options - with `defaults`.
   * @example
   * const settings = await MemoryDict.open(undefined, { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    store: MemoryStore | undefined,
    options: DefaultsOptions<Values>,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens a dictionary on a store inside this process. You may name the type. Without one, every string is a key, and values
   * are `unknown`.
   *
   * @param store - dictionaries on the same store behave like several processes. Default: a new store.
   * @param options - the common options.
   * @example
   * await MemoryDict.open<Settings>(undefined, { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    store?: MemoryStore | undefined,
    options?: DictOptions<T, S>,
  ): Promise<DurableDict<T>>
}

interface MemoryDictKind extends Kind<OpenMemoryDict> {
  readonly open: OpenMemoryDict
}

export const MemoryDict: MemoryDictKind = kindOf<OpenMemoryDict>(
  'MemoryDict',
  async (store: MemoryStore = new MemoryStore(), options?: CommonOptions) => {
    if (!(store instanceof MemoryStore)) {
      throw new TypeError(
        'MemoryDict.open() takes a MemoryStore, or undefined for a new one, then the options; ' +
          `its first argument is ${describe(store)}.`,
      )
    }
    return DurableDict.open(new MemoryBackend(store), options)
  },
)
