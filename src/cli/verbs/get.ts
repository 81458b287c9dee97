import type { Desk } from '../desk.js'
import { plainText } from '../entries.js'
import { EXIT } from '../exit-codes.js'
import { Failure } from '../failure.js'
import { assignments } from '../output/env.js'
import { inJson } from '../values/value-text.js'
import type { Verb } from '../verb.js'

export const get: Verb = {
  name: 'get',
  summary: 'print the value of a key',
  usage: 'KEY',
  words: [1, 1],
  options: {},
  formats: ['ndjson', 'env'],
  details:
    'Prints JSON. A value that JSON cannot hold is printed as "export" writes it. If the key is not stored, the default of\n' +
    'durabledict.config is printed, else the exit code is 1.',
  examples: [
    ['durabledict get payments', 'prints the value, such as "off"'],
    ['durabledict get limits | jq .perMinute', 'passes a member to another program'],
    ['eval "$(durabledict get theme -o env)"', 'sets a variable of the shell'],
  ],
  async run({ words: [key = ''], open, screen }) {
    const desk = await open({ readOnly: true })
    const text = await textOf(desk, key)
    if (text === undefined)
      throw new Failure(
        EXIT.different,
        `Key ${JSON.stringify(key)} is not stored in "${desk.name}", and has no default.`,
      )
    if (screen.format === 'env') await screen.line(assignments([[key, plainText(text)]]).join('\n'))
    else await screen.json(inJson(text))
    return EXIT.ok
  },
}

async function textOf(desk: Desk, key: string): Promise<string | undefined> {
  desk.checkKey(key)
  const stored = (await desk.state()).stored(key)
  if (stored !== undefined) return desk.textOf(key, stored)
  const fallback = desk.defaultOf(key)
  return fallback && desk.texts.textOf(fallback.value)
}
