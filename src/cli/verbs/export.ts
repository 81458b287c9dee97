import type { Desk } from '../desk.js'
import { type Entry, entriesOf, entryJson, plainText } from '../entries.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import { assignments } from '../output/env.js'
import { inJson } from '../values/value-text.js'
import type { Verb } from '../verb.js'

export const exportVerb: Verb = {
  name: 'export',
  summary: 'print all values as a JSON document',
  usage: '',
  words: [0, 0],
  options: {},
  formats: ['ndjson', 'env'],
  details:
    'One key a line, sorted, so that two exports can be compared. "import" and "diff" read it back without loss: a value that JSON\n' +
    'cannot hold, such as a Date, is a text that begins with "rich:".',
  examples: [
    ['durabledict export > settings.json', 'writes a copy of all stored values'],
    ["durabledict export | durabledict import --url 'redis://other:6379#settings'", 'copies them to another store'],
    ['eval "$(durabledict export -o env)"', 'sets variables of the shell'],
  ],
  async run({ open, screen }) {
    const desk = await open({ readOnly: true })
    const entries = await readable(desk)
    if (screen.format === 'env') {
      for (const line of assignments(entries.map(({ key, text }) => [key, plainText(text)]))) await screen.line(line)
    } else if (screen.format === 'ndjson') await screen.items(entries.map(entryJson))
    else await screen.json(documentOf(entries))
    return EXIT.ok
  },
}

type Readable = Entry & { readonly text: string }

/** @throws Failure if a value cannot be decoded: a copy must not lack one. */
async function readable(desk: Desk): Promise<Readable[]> {
  return entriesOf(desk, await desk.state()).map(entry => {
    if (entry.text !== undefined) return { ...entry, text: entry.text }
    throw usage(entry.error ?? '')
  })
}

function documentOf(entries: readonly Readable[]): string {
  if (entries.length === 0) return '{}'
  const members = entries.map(({ key, text }) => `  ${JSON.stringify(key)}: ${inJson(text)}`)
  return `{\n${members.join(',\n')}\n}`
}
