import type { Backend } from '../contract/backend.js'
import type { DurableDict } from './durable-dict.js'
import type {
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './options.js'
import type { InputOf, OutputOf, Schema } from './schema.js'

/** How a dictionary is opened on a backend of your own. */
export interface OpenOnBackend {
  /**
   * Opens a dictionary on a backend of your own.
   *
   * Calls on the store, and listeners, run in the async context of `open`, without the scope of a request around it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` when it cannot be loaded, with `UnsupportedError` when the
   * backend cannot hold what the encoding makes, with `TypeError` for a wrong option.
   *
   * Its schema gives the types, and checks values.
   *
   * @param backend - the dictionary owns it from then on: `close` closes it.
   * @param options - with a `schema`: one Standard Schema for every value, or a record of them by key.
   * @example
   * await DurableDict.open(new MyBackend(), {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    backend: Backend<unknown>,
    options: SchemaOptions<S, D>,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens a dictionary on a backend of your own.
   *
   * Calls on the store, and listeners, run in the async context of `open`, without the scope of a request around it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` when it cannot be loaded, with `UnsupportedError` when the
   * backend cannot hold what the encoding makes, with `TypeError` for a wrong option.
   *
   * You name its type, and every key has a default.
   *
   * @param backend - the dictionary owns it from then on: `close` closes it.
   * @param options - with `defaults` for every key.
   * @example
   * await DurableDict.open<Settings>(new MyBackend(), { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    backend: Backend<unknown>,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>>,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary on a backend of your own.
   *
   * Calls on the store, and listeners, run in the async context of `open`, without the scope of a request around it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` when it cannot be loaded, with `UnsupportedError` when the
   * backend cannot hold what the encoding makes, with `TypeError` for a wrong option.
   *
   * You name its type, and which of its keys have a default: by default all that are not optional.
   *
   * @param backend - the dictionary owns it from then on: `close` closes it.
   * @param options - with `defaults` for these keys.
   * @example
   * await DurableDict.open<Settings, 'theme'>(new MyBackend(), { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    backend: Backend<unknown>,
    options: OptionsOf<NoInfer<T>, NoInfer<K>>,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens a dictionary on a backend of your own.
   *
   * Calls on the store, and listeners, run in the async context of `open`, without the scope of a request around it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` when it cannot be loaded, with `UnsupportedError` when the
   * backend cannot hold what the encoding makes, with `TypeError` for a wrong option.
   *
   * Its defaults give the types: `get` never returns `undefined`, and other keys do not compile.
   *
   * @param backend - the dictionary owns it from then on: `close` closes it.
   * @param options - with `defaults`.
   * @example
   * const settings = await DurableDict.open(new MyBackend(), { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    backend: Backend<unknown>,
    options: DefaultsOptions<Values>,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens a dictionary on a backend of your own.
   *
   * Calls on the store, and listeners, run in the async context of `open`, without the scope of a request around it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` when it cannot be loaded, with `UnsupportedError` when the
   * backend cannot hold what the encoding makes, with `TypeError` for a wrong option.
   *
   * You name its type, or leave it open: then every string is a key, and values are `unknown`.
   *
   * @param backend - the dictionary owns it from then on: `close` closes it.
   * @param options - the options of every dictionary.
   * @example
   * await DurableDict.open<Settings>(new MyBackend(), { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    backend: Backend<unknown>,
    options?: DictOptions<T, S>,
  ): Promise<DurableDict<T>>
}
