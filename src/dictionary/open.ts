import type { DurableDict } from './durable-dict.js'
import type { DefaultedBy, DefaultsOf, DictOptions, SchemaOptions } from './options.js'
import type { InputOf, OutputOf, Schema } from './schema.js'

/**
 * How every dictionary is opened: what its store needs, then the options, whose schema gives the types.
 *
 * @typeParam Extra - options of that store alone.
 */
export interface Open<Args extends unknown[], Extra = unknown> {
  <S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    ...args: [...Args, options: SchemaOptions<S, D> & Extra]
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  <T extends object = Record<string, unknown>>(
    ...args: [...Args, options?: DictOptions<T> & Extra]
  ): Promise<DurableDict<T>>
}
