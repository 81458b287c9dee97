import type { FrozenState } from '../../replica/frozen-state.js'
import { assertOneReading } from '../changes.js'
import { assertExpected, EXPECTING, expectedOf } from '../conditions.js'
import { confirm } from '../confirm.js'
import { execute } from '../execute.js'
import { EXIT } from '../exit-codes.js'
import { Failure } from '../failure.js'
import { READING, WRITING } from '../options.js'
import type { Verb } from '../verb.js'

export const unset: Verb = {
  name: 'unset',
  summary: 'remove a key',
  usage: 'KEY',
  words: [1, 1],
  options: { ...READING, 'if-value': EXPECTING['if-value'] as never, ...WRITING },
  examples: [
    ["durabledict unset payments -m 'incident 4711'", 'asks, then removes the key'],
    ['durabledict unset payments --yes --if-value \'"off"\'', 'removes it without a question if it holds "off"'],
  ],
  async run(call) {
    const [key = ''] = call.words
    const desk = await call.open({ readOnly: call.flags.has('dry-run') })
    desk.checkKey(key)
    const reader = { texts: desk.texts, schema: desk.schemaOf(key) }
    const expected = expectedOf(call.flags, assertOneReading(call.flags), reader)
    const plan = (state: FrozenState) => {
      const before = state.stored(key)
      if (before === undefined)
        throw new Failure(EXIT.different, `Key ${JSON.stringify(key)} is not stored in "${desk.name}".`)
      assertExpected(desk, key, before, expected)
      return [{ key, before }]
    }
    plan(await desk.state())
    await confirm(call, `Remove ${JSON.stringify(key)} from "${desk.name}"?`)
    await execute(call, desk, plan)
    return EXIT.ok
  },
}
