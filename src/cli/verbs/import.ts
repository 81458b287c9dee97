import type { FrozenState } from '../../replica/frozen-state.js'
import { confirm } from '../confirm.js'
import { changesTo, readDocument } from '../documents.js'
import { execute } from '../execute.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import { WRITING } from '../options.js'
import type { Verb } from '../verb.js'

export const importVerb: Verb = {
  name: 'import',
  summary: 'store all values of a JSON document, in one atomic change',
  usage: '[FILE]',
  words: [0, 1],
  options: {
    prune: { type: 'boolean', help: 'also remove the keys that the document lacks' },
    ...WRITING,
  },
  details:
    'Reads what "export" writes, from the file or from the standard input. Values that are the same are not written.\n' +
    'With --prune it asks on a terminal, and needs --yes elsewhere.',
  examples: [
    ['durabledict import settings.json --dry-run', 'shows what would change'],
    ["durabledict import settings.json -m 'prices of May'", 'stores the values'],
    ['durabledict import settings.json --prune --yes', 'makes the dictionary equal to the document'],
  ],
  async run(call) {
    const [path = '-'] = call.words
    const { flags, terminal } = call
    const prune = flags.has('prune')
    if (path === '-' && terminal.stdin.isTTY) throw usage('Name a file, or pass the document on the standard input.')
    const desk = await call.open({ readOnly: flags.has('dry-run'), mayBeAbsent: true })
    const contents = await readDocument(path, desk, terminal)
    const plan = (state: FrozenState) => changesTo(contents, desk, state, prune)
    if (prune) {
      const removed = plan(await desk.state()).filter(({ after }) => after === undefined).length
      if (removed > 0) await confirm(call, `Remove ${removed} keys of "${desk.name}" that the document lacks?`)
    }
    await execute(call, desk, plan)
    return EXIT.ok
  },
}
