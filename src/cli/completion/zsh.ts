import type { Verb } from '../verb.js'
import { keyVerbs, lines, optionsOf } from './words.js'

export function zsh(verbs: readonly Verb[]): string {
  const list = verbs.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`)
  const cases = verbs.map(verb => `    ${verb.name}) options=(${optionsOf(verb).join(' ')}) ;;`)
  return lines(
    '#compdef durabledict',
    '_durabledict() {',
    '  local -a verbs options target',
    '  local at word',
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
    '  for ((at = 3; at < CURRENT; at++)); do',
    // Without its quotes: nothing is expanded.
    `    word=\${(Q)words[at]}`,
    '    case $word in',
    `      --url|--dict|-d) ((at + 1 < CURRENT)) && target+=($word \${(Q)words[at+1]}) ;;`,
    '      --url=*|--dict=*) target+=($word) ;;',
    '    esac',
    '  done',
    '  case $words[2] in',
    `    ${keyVerbs(verbs).join('|')}) compadd -- \${(f)"$(durabledict completion keys $target 2>/dev/null)"} ;;`,
    '    completion) compadd bash zsh fish keys ;;',
    '    *) _files ;;',
    '  esac',
    '}',
    'compdef _durabledict durabledict',
  )
}
