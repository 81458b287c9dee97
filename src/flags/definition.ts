/** The types of flags that an application asks for. */
export type FlagType = 'boolean' | 'string' | 'number' | 'object'

/** The entry with the rules that several flag definitions share. It is not a flag itself. */
export const EVALUATORS = '$evaluators'

/** Returns the type of a flag's value, or a name for what no flag can be. An object is plain data: an object literal or an array. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object' || Array.isArray(value)) return typeof value
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? 'object' : 'an instance of a class'
}

/** Whether the value is a flag definition in the format of flagd, rather than the value of a flag. */
export function isDefinition(value: unknown): value is object {
  if (typeOf(value) !== 'object' || Array.isArray(value)) return false
  const { state, variants } = value as { readonly state?: unknown; readonly variants?: unknown }
  return typeof state === 'string' && typeOf(variants) === 'object'
}
