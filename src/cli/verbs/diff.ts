import type { FrozenState } from '../../replica/frozen-state.js'
import type { Desk } from '../desk.js'
import { type Contents, holds, readDocument } from '../documents.js'
import { byCodePoint } from '../entries.js'
import { EXIT } from '../exit-codes.js'
import { targetOf } from '../targets/target.js'
import { inJson, type ReadValue } from '../values/value-text.js'
import type { Call, Verb } from '../verb.js'

export const diff: Verb = {
  name: 'diff',
  summary: 'compare the dictionary with a document or another dictionary',
  usage: 'FILE|URL|-',
  words: [1, 1],
  options: {},
  formats: ['ndjson'],
  details:
    'Compares with a document of "export", which - reads from the standard input, or with the dictionary that a URL names.\n' +
    'The exit code is 0 if nothing differs, else 1.',
  examples: [
    ['durabledict diff settings.json', 'shows what differs from the document'],
    ["durabledict diff 'redis://staging:6379#settings'", 'shows what differs from another dictionary'],
    ['durabledict export | durabledict diff -', 'shows nothing, unless somebody changed a value meanwhile'],
  ],
  async run(call) {
    const [other = ''] = call.words
    const desk = await call.open({ readOnly: true })
    const contents = isUrl(other) ? await contentsAt(other, call) : await readDocument(other, desk, call.terminal)
    const differences = compare(desk, await desk.state(), contents)
    await show(call, differences)
    return differences.length === 0 ? EXIT.ok : EXIT.different
  },
}

/** A key whose values differ. A side is absent if the key is absent there. */
interface Difference {
  readonly key: string
  readonly here?: string
  readonly there?: string
}

function isUrl(other: string): boolean {
  return /^(sqlite|rediss?|postgres(ql)?|zookeeper):/i.test(other)
}

async function contentsAt(url: string, { terminal }: Call): Promise<Contents> {
  const target = await targetOf({ url, dict: undefined, timeout: undefined }, terminal)
  const desk = await target.open({ readOnly: true })
  try {
    const state = await desk.state()
    return new Map(state.keys().map(key => [key, { value: desk.decode(key, state.stored(key)) }]))
  } finally {
    await desk.dict.close()
  }
}

function compare(desk: Desk, state: FrozenState, contents: Contents): Difference[] {
  const keys = new Set([...state.keys(), ...contents.keys()])
  return [...keys].toSorted(byCodePoint).flatMap(key => {
    const [stored, read] = [state.stored(key), contents.get(key)]
    if (read && holds(desk, key, stored, read)) return []
    const here = stored === undefined ? {} : { here: textOf(desk, key, stored) }
    return [{ key, ...here, ...(read && { there: textOfRead(desk, read) }) }]
  })
}

/** The stored form of a value that cannot be decoded, as JSON text. */
function textOf(desk: Desk, key: string, stored: unknown): string {
  try {
    return desk.textOf(key, stored)
  } catch {
    return JSON.stringify(`(cannot be decoded) ${String(stored)}`)
  }
}

function textOfRead(desk: Desk, { value, stored }: { value?: unknown; stored?: unknown } & Partial<ReadValue>): string {
  return stored === undefined ? desk.texts.textOf(value) : JSON.stringify(String(stored))
}

async function show({ screen }: Call, differences: readonly Difference[]): Promise<void> {
  if (screen.isTable) {
    const rows = differences.map(({ key, here = '(absent)', there = '(absent)' }) => [key, here, there])
    if (rows.length > 0) await screen.table(['KEY', 'HERE', 'THERE'], rows)
    return
  }
  await screen.items(differences.map(differenceJson))
}

function differenceJson({ key, here, there }: Difference): string {
  const side = (name: string, text: string | undefined) => (text === undefined ? [] : [`"${name}": ${inJson(text)}`])
  return `{ ${[`"key": ${JSON.stringify(key)}`, ...side('here', here), ...side('there', there)].join(', ')} }`
}
