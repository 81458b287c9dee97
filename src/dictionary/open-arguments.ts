/** The arguments of an `open` before its options. */
export interface OpenArguments {
  /** How messages name the first argument, such as `'the name'`. It is always a string. */
  readonly first: string
  readonly second: string
  /** Whether a string can only be the second argument. */
  isSecond(text: string): boolean
}

/** @throws TypeError for swapped arguments, a promise, or a first argument that is not a string. The message says what to do. */
export function checkOpenArguments(
  kind: string,
  { first, second, isSecond }: OpenArguments,
  args: readonly unknown[],
): void {
  const call = `${kind}.open() takes ${first}, then ${second}`
  if (args.slice(0, 2).some(isThenable)) throw new TypeError(`${call}; got a promise: await it first.`)
  const [one, other] = args
  if (typeof one === 'string' && !isSecond(one)) return
  if (typeof other === 'string' && !isSecond(other)) throw new TypeError(`${call}; got them in the wrong order.`)
  if (typeof one !== 'string')
    throw new TypeError(`${call}, then the options; ${first} must be a string, and is ${describe(one)}.`)
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** Describes the type of a value, never its content. */
export function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : `of type ${typeof value}`
  const { name } = (Object.getPrototypeOf(value)?.constructor ?? {}) as { name?: unknown }
  if (name === 'Object') return 'a plain object'
  return typeof name === 'string' && name !== '' ? `an object of the class ${name.slice(0, 40)}` : 'an object'
}
