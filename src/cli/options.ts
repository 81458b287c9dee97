import type { Options } from './verb.js'

/** Options of every verb. */
export const COMMON: Options = {
  url: { type: 'string', value: 'URL', help: 'the dictionary, such as redis://localhost:6379#settings' },
  dict: { type: 'string', short: 'd', value: 'NAME', help: 'one of several dictionaries of durabledict.config' },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORM',
    help: 'table, json, ndjson or env; default: table on a terminal, else json',
  },
  timeout: { type: 'string', value: 'MS', help: 'how long the store may take, in milliseconds; default 5000' },
  'no-color': { type: 'boolean', help: 'no colors; the variable NO_COLOR does the same' },
  help: { type: 'boolean', short: 'h', help: 'show the help of the verb' },
}

/** Options of the verbs that change something. */
export const WRITING: Options = {
  by: { type: 'string', value: 'WHO', help: 'who makes the change; default: your login and host' },
  reason: { type: 'string', short: 'm', value: 'WHY', help: 'why, for the history' },
  everywhere: { type: 'boolean', help: 'wait until no process can read an older value' },
  'dry-run': { type: 'boolean', short: 'n', help: 'show what would change, and change nothing' },
  yes: { type: 'boolean', short: 'y', help: 'do not ask; needed without a terminal' },
}

/** How the text of a value is read. */
export const READING: Options = {
  string: { type: 'boolean', help: 'the value is the text as it is' },
  json: { type: 'boolean', help: 'the value is JSON' },
  encoded: { type: 'boolean', help: 'the value is as "export" writes it' },
}
