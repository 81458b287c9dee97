// @ts-check

/** A program in which a value occurs is JavaScript that runs. @param {unknown} value @returns {string} */
export function source(value) {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number') return String(value)
  if (value instanceof Date) return `new Date(${value.getTime()})`
  if (value instanceof Map) return `new Map(${source([...value])})`
  if (value instanceof Set) return `new Set(${source([...value])})`
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`
  if (value instanceof Raw) return value.code
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(memberSource).join(', ')} }`
  return JSON.stringify(value)
}

/** What has no value before the program runs. */
export class Raw {
  /** @param {string} code */
  constructor(code) {
    this.code = code
  }
}

/** The options of a call, or nothing if there are none. @param {Record<string, unknown>} options */
export function optionsSource(options) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : `, ${source(Object.fromEntries(given))}`
}

/** @param {readonly unknown[]} entry */
const memberSource = ([name, value]) =>
  // Computed: otherwise __proto__ sets the prototype.
  `${/^[a-z]\w*$/i.test(String(name)) ? name : `[${JSON.stringify(name)}]`}: ${source(value)}`
