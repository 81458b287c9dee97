import { COMMON } from '../options.js'
import type { Verb } from '../verb.js'
import { keyVerbs, lines } from './words.js'

/** The keys of the dictionary that the line names so far. */
const KEYS = [
  'function __durabledict_keys',
  '  set -l target',
  "  set -l option ''",
  '  for word in (commandline -opc)',
  '    if test -n "$option"',
  '      set -a target $option $word',
  "      set option ''",
  '    else if contains -- $word --url --dict -d',
  '      set option $word',
  "    else if string match -q -- '--url=*' $word; or string match -q -- '--dict=*' $word",
  '      set -a target $word',
  '    end',
  '  end',
  '  durabledict completion keys $target 2>/dev/null',
  'end',
]

export function fish(verbs: readonly Verb[]): string {
  const commands = verbs.flatMap(verb => {
    const within = `__fish_seen_subcommand_from ${verb.name}`
    const options = Object.entries({ ...verb.options, ...COMMON }).map(([name, { short, type, help }]) => {
      const letter = short === undefined ? '' : ` -s ${short}`
      return `complete -c durabledict -n '${within}' -l ${name}${letter}${type === 'string' ? ' -r' : ''} -d '${quoted(help)}'`
    })
    return [
      `complete -c durabledict -n __fish_use_subcommand -f -a ${verb.name} -d '${quoted(verb.summary)}'`,
      ...options,
    ]
  })
  const keys = `complete -c durabledict -n '__fish_seen_subcommand_from ${keyVerbs(verbs).join(' ')}' -f -a '(__durabledict_keys)'`
  return lines('# fish completion for durabledict', ...KEYS, ...commands, keys)
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
