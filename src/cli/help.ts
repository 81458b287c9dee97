import { COMMON } from './options.js'
import type { Options, Verb } from './verb.js'

/** The help of the command: its verbs, targets and exit codes. */
export function generalHelp(verbs: readonly Verb[], version: string): string {
  const list = verbs.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`)
  return [
    `durabledict ${version}: see and change a dictionary.`,
    '',
    'Usage: durabledict VERB [WORDS] [OPTIONS]',
    '',
    'Verbs:',
    ...list,
    '',
    'The dictionary: --url, else the variable DURABLEDICT_URL, else durabledict.config.{ts,js,mjs} in the working directory.',
    '',
    'Exit codes: 0 ok; 1 absent or different; 2 usage or invalid value; 3 conflict; 4 store unavailable; 5 ambiguous write.',
    '',
    'durabledict VERB --help shows the options of a verb, with examples.',
  ].join('\n')
}

export function verbHelp(verb: Verb): string {
  const { name, summary, usage, options, details, examples } = verb
  return [
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    '',
    `Usage: durabledict ${`${name} ${usage}`.trim()} [OPTIONS]`,
    ...(details ? ['', details] : []),
    ...(Object.keys(options).length > 0 ? ['', 'Options:', ...listed(options)] : []),
    '',
    'Options of every verb:',
    ...listed(COMMON),
    '',
    'Examples:',
    ...examples.flatMap(([command, does]) => [`  ${command}`, `      ${does}`]),
  ].join('\n')
}

function listed(options: Options): string[] {
  return Object.entries(options).map(([name, { short, value, help }]) => {
    const form = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`
    return `  ${form.padEnd(24)} ${help}`
  })
}
