import type { KeyChange } from '../../contract/history.js'
import type { FrozenState } from '../../replica/frozen-state.js'
import { assertOneReading } from '../changes.js'
import { assertExpected, EXPECTING, type Expected, expectedOf } from '../conditions.js'
import type { Desk } from '../desk.js'
import { execute } from '../execute.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import { readInput } from '../input.js'
import { READING, WRITING } from '../options.js'
import { readValue } from '../values/read-value.js'
import type { Call, Verb } from '../verb.js'

export const set: Verb = {
  name: 'set',
  summary: 'change the value of a key',
  usage: 'KEY VALUE',
  words: [1, 2],
  options: {
    ...READING,
    stdin: { type: 'boolean', help: 'read the value from the standard input, without the line feed that ends it' },
    ...EXPECTING,
    ...WRITING,
  },
  details:
    'With a schema, the text is read as the type that the schema accepts. Without one it must be JSON, and a number must be written\n' +
    'as JSON writes it: off, 007, 1e3 and -0 are refused. --string stores the text as it is.',
  examples: [
    ["durabledict set payments '\"off\"' -m 'incident 4711'", 'stores the text "off", and the reason in the history'],
    ['durabledict set payments off --string', 'does the same'],
    ['durabledict set perPage 30 --if-value 20', 'stores 30 if the value is 20, else exits with 3'],
    ['durabledict set limits --stdin < limits.json', 'stores a long value'],
    ['durabledict set payments off --string --everywhere', 'waits until no process can read an older value'],
  ],
  async run(call) {
    const [key = ''] = call.words
    const text = await textOf(call)
    const desk = await call.open({ readOnly: call.flags.has('dry-run'), mayBeAbsent: true })
    const how = assertOneReading(call.flags)
    desk.checkKey(key)
    const reader = { texts: desk.texts, schema: desk.schemaOf(key) }
    const read = readValue(text, how, reader)
    const after = read.stored === undefined ? desk.encode(key, read.value) : read.stored
    const expected = expectedOf(call.flags, how, reader)
    const plan = (state: FrozenState) => planned(desk, state, key, after, expected)
    await execute(call, desk, plan)
    return EXIT.ok
  },
}

async function textOf({ words: [, value], flags, terminal }: Call): Promise<string> {
  if (flags.has('stdin') === (value !== undefined))
    throw usage('Pass either a value or --stdin: durabledict set KEY VALUE.')
  return value ?? (await readInput(terminal.stdin))
}

function planned(
  desk: Desk,
  state: FrozenState,
  key: string,
  after: unknown,
  expected: Expected,
): KeyChange<unknown>[] {
  const before = state.stored(key)
  assertExpected(desk, key, before, expected)
  return sameStored(before, after) ? [] : [{ key, before, after }]
}

function sameStored(before: unknown, after: unknown): boolean {
  if (before instanceof Uint8Array && after instanceof Uint8Array) return Buffer.from(before).equals(after)
  return before === after
}
