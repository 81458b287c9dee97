import { EXIT } from '../exit-codes.js'
import { valueFaults } from '../findings.js'
import type { Verb } from '../verb.js'

export const check: Verb = {
  name: 'check',
  summary: 'compare all stored values with the schema',
  usage: '',
  words: [0, 0],
  options: {},
  formats: ['ndjson'],
  details:
    'Finds values that do not match the schema or cannot be decoded, and keys that nothing declares. Schema and defaults come from\n' +
    'durabledict.config. The exit code is 0 if it finds nothing, else 1.',
  examples: [
    ['durabledict check', 'lists what does not fit, for example before a deployment'],
    ['durabledict check -o ndjson', 'prints one finding a line'],
  ],
  async run({ open, screen }) {
    const desk = await open({ readOnly: true })
    const faults = valueFaults(desk, await desk.state())
    if (!screen.isTable) await screen.items(faults.map(fault => JSON.stringify(fault)))
    else if (faults.length === 0) await screen.line(`All values of "${desk.name}" are as declared.`)
    else
      await screen.table(
        ['KEY', 'PROBLEM', 'MESSAGE'],
        faults.map(({ key, problem, message }) => [key, problem, message]),
      )
    return faults.length === 0 ? EXIT.ok : EXIT.different
  },
}
