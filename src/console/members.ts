import { builtin } from '../process/builtin.js'
import { Refusal } from './refusal.js'

/** What a browser sent: the members of a JSON body, or the parameters of a query. */
export class Members {
  readonly #values: ReadonlyMap<string, unknown>

  /** @throws Refusal if a member is not among `names`. */
  constructor(values: Iterable<readonly [string, unknown]>, names: readonly string[]) {
    const map = new Map<string, unknown>()
    for (const [name, value] of values) {
      if (!names.includes(name)) throw bad('A member or parameter is not known.')
      if (map.has(name)) throw bad(`"${name}" occurs twice.`)
      map.set(name, value)
    }
    this.#values = map
  }

  /** The same only for the same members. */
  digest(): string {
    return builtin.crypto
      .createHash('sha256')
      .update(JSON.stringify([...this.#values]))
      .digest('base64url')
  }

  /** @throws Refusal unless it is a text. */
  text(name: string): string {
    const value = this.#values.get(name)
    if (typeof value === 'string') return value
    throw bad(`"${name}" must be a text.`)
  }

  optionalText(name: string): string | undefined {
    const value = this.#values.get(name)
    return value === undefined || value === '' ? undefined : this.text(name)
  }

  /** False if it is absent. @throws Refusal unless it is a boolean. */
  flag(name: string): boolean {
    const value = this.#values.get(name) ?? false
    if (typeof value === 'boolean') return value
    throw bad(`"${name}" must be true or false.`)
  }

  /** @throws Refusal unless it is a whole number within the limits. */
  count(name: string, standard: number, max: number): number {
    const text = this.optionalText(name) ?? `${standard}`
    if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= max) return Number(text)
    throw bad(`"${name}" must be a whole number from 1 to ${max}.`)
  }
}

function bad(message: string): Refusal {
  return new Refusal(400, 'BAD_REQUEST', message)
}
