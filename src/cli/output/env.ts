import { usage } from '../failure.js'
import { shellWord } from '../values/shell.js'

/**
 * Returns assignments that a shell evaluates. A character that a name cannot have becomes `_`.
 *
 * @throws Failure if two keys have the same name.
 */
export function assignments(values: readonly (readonly [key: string, text: string])[]): string[] {
  const names = new Map<string, string>()
  return values.map(([key, text]) => {
    const name = nameOf(key)
    const other = names.get(name)
    if (other !== undefined) {
      throw usage(`Keys ${JSON.stringify(other)} and ${JSON.stringify(key)} would both be ${name}. Use -o json.`)
    }
    names.set(name, key)
    return `${name}=${shellWord(text)}`
  })
}

function nameOf(key: string): string {
  const name = key.replaceAll(/[^A-Za-z0-9_]/g, '_')
  return /^\d/.test(name) ? `_${name}` : name
}
