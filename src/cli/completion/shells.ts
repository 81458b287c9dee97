import { COMMON } from '../options.js'
import type { Verb } from '../verb.js'

export type Shell = 'bash' | 'zsh' | 'fish'

/** The scripts. Keys are never expanded by the shell: they may contain anything. */
export const COMPLETIONS: Readonly<Record<Shell, (verbs: readonly Verb[]) => string>> = { bash, zsh, fish }

/** The verbs whose first word is a key. */
function takingKeys(verbs: readonly Verb[]): string[] {
  return verbs.filter(({ usage }) => /^\[?(KEY|PREFIX)\b/.test(usage)).map(({ name }) => name)
}

function optionsOf({ options }: Verb): string[] {
  return Object.keys({ ...options, ...COMMON }).map(name => `--${name}`)
}

function bash(verbs: readonly Verb[]): string {
  const cases = verbs.map(verb => `    ${verb.name}) options='${optionsOf(verb).join(' ')}' ;;`)
  return lines(
    '# bash completion for durabledict.',
    '#',
    '_durabledict() {',
    `  local word=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]} options='' key`,
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    COMPREPLY=($(compgen -W '${verbs.map(({ name }) => name).join(' ')}' -- "$word"))`,
    '    return',
    '  fi',
    '  case $verb in',
    ...cases,
    '  esac',
    '  if [[ $word == -* ]]; then',
    '    COMPREPLY=($(compgen -W "$options" -- "$word"))',
    '    return',
    '  fi',
    '  case $verb in',
    `    ${takingKeys(verbs).join('|')})`,
    '      while IFS= read -r key; do',
    '        [[ $key == "$word"* ]] && COMPREPLY+=("$(printf %q "$key")")',
    '      done < <(durabledict completion keys 2>/dev/null)',
    '      ;;',
    `    completion) COMPREPLY=($(compgen -W 'bash zsh fish keys' -- "$word")) ;;`,
    '    *) COMPREPLY=($(compgen -f -- "$word")) ;;',
    '  esac',
    '}',
    'complete -F _durabledict durabledict',
  )
}

function zsh(verbs: readonly Verb[]): string {
  const list = verbs.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`)
  const cases = verbs.map(verb => `    ${verb.name}) options=(${optionsOf(verb).join(' ')}) ;;`)
  return lines(
    '#compdef durabledict',
    '_durabledict() {',
    '  local -a verbs options',
    '  verbs=(',
    ...list,
    '  )',
    '  if (( CURRENT == 2 )); then',
    '    _describe verb verbs',
    '    return',
    '  fi',
    '  case $words[2] in',
    ...cases,
    '  esac',
    '  if [[ $PREFIX == -* ]]; then',
    '    compadd -- $options',
    '    return',
    '  fi',
    '  case $words[2] in',
    `    ${takingKeys(verbs).join('|')}) compadd -- \${(f)"$(durabledict completion keys 2>/dev/null)"} ;;`,
    '    completion) compadd bash zsh fish keys ;;',
    '    *) _files ;;',
    '  esac',
    '}',
    'compdef _durabledict durabledict',
  )
}

function fish(verbs: readonly Verb[]): string {
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
  const keys = `complete -c durabledict -n '__fish_seen_subcommand_from ${takingKeys(verbs).join(' ')}' -f -a '(durabledict completion keys 2>/dev/null)'`
  return `# fish completion for durabledict\n${[...commands, keys].join('\n')}\n`
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
