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

/** How much of an option a message shows, in characters: it may be a value in the wrong place. */
const LONGEST_SHOWN = 40

/**
 * Parses the arguments of a verb. Negative numbers are words.
 *
 * @param takesCommand - whether the words after `--` are kept apart.
 * @throws Failure for an unknown option or a missing value.
 */
export function parseArguments(args: readonly string[], options: Options, takesCommand: boolean): Parsed {
  const end = args.indexOf('--')
  const [own, rest] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)]
  for (const word of own) checkGroup(word, options)
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
    const message = (error as Error).message.replaceAll(MARK, '')
    const [, name] = /^Unknown option '(.*?)'.*$/s.exec(message) ?? []
    throw name === undefined ? usage(message) : noOption(name)
  }
}

/**
 * Refuses a long word of short options, such as a text that begins with a dash: the time of Node's parser grows with its square.
 *
 * @throws Failure if it has an option that does not exist, or one twice.
 */
function checkGroup(word: string, options: Options): void {
  const types = new Map(Object.values(options).flatMap(({ short, type }) => (short ? [[short, type] as const] : [])))
  if (word.length <= types.size + 1 || !/^-[^-\d.]/.test(word)) return
  for (let at = 1; types.get(word[at] as string) !== 'string'; at += 1) {
    const isKnown = types.has(word[at] as string)
    if (!isKnown) throw noOption(`-${word[at]}`)
    if (at > types.size) throw usage('An option is repeated. Write each option once.')
  }
}

function noOption(name: string): Error {
  const shown = name.length > LONGEST_SHOWN ? `${name.slice(0, LONGEST_SHOWN)}…` : name
  return usage(`There is no option ${shown}. Write -- before words that begin with a dash.`)
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
