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

/** Opens a dictionary on your own backend. */
export interface OpenOnBackend {
  /**
   * Opens a dictionary on your own backend.
   *
   * Store calls and listeners run in the async context of `open`, but outside the scope of a request around it.
   *
   * Rejects with `StoreUnavailableError` if the dictionary cannot be loaded, with `UnsupportedError` if the backend cannot hold what
   * the encoding returns, and with `TypeError` for an invalid option. After a rejection nothing stays open.
   *
   * The schema defines the types and validates values.
   *
   * @param backend - the dictionary takes ownership of it: `close` closes it.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
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
   * Opens a dictionary on your own backend.
   *
   * Store calls and listeners run in the async context of `open`, but outside the scope of a request around it.
   *
   * Rejects with `StoreUnavailableError` if the dictionary cannot be loaded, with `UnsupportedError` if the backend cannot hold what
   * the encoding returns, and with `TypeError` for an invalid option. After a rejection nothing stays open.
   *
   * You name the type, and every key has a default.
   *
   * @param backend - the dictionary takes ownership of it: `close` closes it.
   * @param options - with `defaults` for every key.
   * @example
   * await DurableDict.open<Settings>(new MyBackend(), { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    backend: Backend<unknown>,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>>,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary on your own backend.
   *
   * Store calls and listeners run in the async context of `open`, but outside the scope of a request around it.
   *
   * Rejects with `StoreUnavailableError` if the dictionary cannot be loaded, with `UnsupportedError` if the backend cannot hold what
   * the encoding returns, and with `TypeError` for an invalid option. After a rejection nothing stays open.
   *
   * You name the type and the keys that have a default (by default all that are not optional).
   *
   * @param backend - the dictionary takes ownership of it: `close` closes it.
   * @param options - with `defaults` for these keys.
   * @example
   * await DurableDict.open<Settings, 'theme'>(new MyBackend(), { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    backend: Backend<unknown>,
    options: OptionsOf<NoInfer<T>, NoInfer<K>>,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens a dictionary on your own backend.
   *
   * Store calls and listeners run in the async context of `open`, but outside the scope of a request around it.
   *
   * Rejects with `StoreUnavailableError` if the dictionary cannot be loaded, with `UnsupportedError` if the backend cannot hold what
   * the encoding returns, and with `TypeError` for an invalid option. After a rejection nothing stays open.
   *
   * The defaults define the types: `get` never returns `undefined`, and other keys do not compile.
   *
   * @param backend - the dictionary takes ownership of it: `close` closes it.
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
   * Opens a dictionary on your own backend.
   *
   * Store calls and listeners run in the async context of `open`, but outside the scope of a request around it.
   *
   * Rejects with `StoreUnavailableError` if the dictionary cannot be loaded, with `UnsupportedError` if the backend cannot hold what
   * the encoding returns, and with `TypeError` for an invalid option. After a rejection nothing stays open.
   *
   * You may name the type. Without one, every string is a key, and values are `unknown`.
   *
   * @param backend - the dictionary takes ownership of it: `close` closes it.
   * @param options - the common options.
   * @example
   * await DurableDict.open<Settings>(new MyBackend(), { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    backend: Backend<unknown>,
    options?: DictOptions<T, S>,
  ): Promise<DurableDict<T>>
}
