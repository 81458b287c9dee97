import { type Entry, entriesOf, entryJson, plainText, shownText } from '../entries.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import { assignments } from '../output/env.js'
import type { Screen } from '../output/screen.js'
import type { Verb } from '../verb.js'

export const ls: Verb = {
  name: 'ls',
  summary: 'list the stored keys and their values',
  usage: '[PREFIX]',
  words: [0, 1],
  options: {},
  formats: ['ndjson', 'env'],
  examples: [
    ['durabledict ls', 'lists all keys of the dictionary that DURABLEDICT_URL or durabledict.config names'],
    ["durabledict ls payments. --url 'redis://localhost:6379#settings'", 'lists the keys that begin with "payments."'],
    ["durabledict ls -o json | jq '.[].key'", 'passes the keys to another program'],
  ],
  async run({ words: [prefix = ''], open, screen }) {
    const desk = await open({ readOnly: true })
    const state = await desk.state()
    const entries = entriesOf(
      desk,
      state,
      state.keys().filter(key => key.startsWith(prefix)),
    )
    await show(entries, screen)
    return EXIT.ok
  },
}

async function show(entries: readonly Entry[], screen: Screen): Promise<void> {
  if (screen.isTable)
    await screen.table(
      ['KEY', 'VALUE'],
      entries.map(({ key, text }) => [key, shownText(text)]),
    )
  else if (screen.format === 'env') for (const line of envOf(entries)) await screen.line(line)
  else await screen.items(entries.map(entryJson))
}

/** @throws Failure if a value cannot be decoded. */
function envOf(entries: readonly Entry[]): string[] {
  return assignments(
    entries.map(({ key, text, error }) => {
      if (text === undefined) throw usage(error ?? '')
      return [key, plainText(text)]
    }),
  )
}
