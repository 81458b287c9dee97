import { type ParseArgsConfig, parseArgs } from 'node:util'
import { usage } from './failure.js'
import type { Flags, Options } from './verb.js'

export interface Parsed {
  readonly words: readonly string[]
  /** What follows `--`. */
  readonly command: readonly string[]
  readonly flags: Flags
}

/** Marks an argument such as `-5`, which is a word. No argument of a process contains NUL. */
const MARK = '\0'

/**
 * Parses the arguments of a verb. Negative numbers are words.
 *
 * @param takesCommand - whether the words after `--` are kept apart.
 * @throws Failure for an unknown option or a missing value.
 */
export function parseArguments(args: readonly string[], options: Options, takesCommand: boolean): Parsed {
  const end = args.indexOf('--')
  const [own, rest] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)]
  const { values, positionals } = parsed(own.map(marked), options)
  const words = positionals.map(unmarked)
  return {
    words: takesCommand ? words : [...words, ...rest],
    command: takesCommand ? rest : [],
    flags: {
      has: name => values[name] === true || values[name] !== undefined,
      text: name => textsOf(values[name])[0],
      texts: name => textsOf(values[name]),
    },
  }
}

function parsed(args: readonly string[], options: Options) {
  const config = { args: [...args], options: toConfig(options), allowPositionals: true, strict: true } as const
  try {
    return parseArgs(config) as { values: Record<string, unknown>; positionals: string[] }
  } catch (error) {
    throw usage(withoutNode((error as Error).message))
  }
}

function toConfig(options: Options): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short && { short }), ...(multiple && { multiple }) },
    ]),
  )
}

function textsOf(value: unknown): string[] {
  return [value].flat().flatMap(one => (typeof one === 'string' ? unmarked(one) : []))
}

/** A lone `-` is the standard input. */
function marked(word: string): string {
  return /^-[\d.]/.test(word) ? MARK + word : word
}

function unmarked(word: string): string {
  return word.startsWith(MARK) ? word.slice(MARK.length) : word
}

function withoutNode(message: string): string {
  return message
    .replaceAll(MARK, '')
    .replace(/^Unknown option '(.*?)'.*$/s, `There is no option $1. Write -- before words that begin with a dash.`)
}
