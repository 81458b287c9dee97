import { dictionaryFindings } from '../doctor/dictionary.js'
import type { Finding } from '../doctor/finding.js'
import { tryToOpen, writeFindings } from '../doctor/opening.js'
import { storeFindings } from '../doctor/store.js'
import { EXIT } from '../exit-codes.js'
import { withoutCredentials } from '../targets/credentials.js'
import type { Call, Verb } from '../verb.js'

/** In ms. */
const TIMEOUT = 5_000

export const doctor: Verb = {
  name: 'doctor',
  summary: 'look for what is wrong with the store, the values and the processes',
  usage: '',
  words: [0, 0],
  options: {
    store: {
      type: 'string',
      value: 'URL',
      help: 'with durabledict.config: the store whose settings are checked as well',
    },
    'read-only': { type: 'boolean', help: 'do not check the right to write' },
  },
  formats: ['ndjson'],
  details:
    'Changes nothing: to check the right to write, it removes a key that does not exist. Each finding says what to do.\n' +
    'The exit code is 0 if it finds nothing, else 1.',
  examples: [
    [
      "durabledict doctor --url 'redis://localhost:6379#settings'",
      'checks the server, the dictionary and its processes',
    ],
    ['durabledict doctor --store "$REDIS_URL#settings"', 'with durabledict.config: checks the schema as well'],
  ],
  async run(call) {
    const { screen } = call
    const findings = distinct(await findingsOf(call))
    if (!screen.isTable) await screen.items(findings.map(finding => JSON.stringify(finding)))
    else if (findings.length === 0) await screen.line('Nothing is wrong.')
    else
      for (const { severity, check, message, advice } of findings)
        await screen.line(`${severity} (${check}): ${message}\n  ${advice}`)
    return findings.length === 0 ? EXIT.ok : EXIT.different
  },
}

async function findingsOf(call: Call): Promise<Finding[]> {
  const { url, timeout = TIMEOUT } = await call.target()
  const store = call.flags.text('store') ?? url
  const ofStore = store === undefined ? [] : await storeFindings(store, timeout)
  const all = [...ofStore, ...(await dictionaryFound(call))]
  return all.map(finding => ({ ...finding, message: withoutCredentials(finding.message, [store, url]) }))
}

async function dictionaryFound(call: Call): Promise<readonly Finding[]> {
  const opened = await tryToOpen(call.open, { readOnly: true })
  if (!('desk' in opened)) return opened.findings
  return [...(await dictionaryFindings(opened.desk)), ...(await writing(call))]
}

/** Opens it again, as a program that writes does. */
async function writing(call: Call): Promise<readonly Finding[]> {
  if (call.flags.has('read-only')) return []
  const opened = await tryToOpen(call.open, { readOnly: false })
  return 'desk' in opened ? await writeFindings(opened.desk) : opened.findings
}

/** The store and the dictionary may find the same: the store's own finding, which comes first, says more. */
function distinct(findings: readonly Finding[]): Finding[] {
  const once = new Set(['connection', 'rights', 'type', 'role', 'tables'])
  return findings.filter(
    ({ check }, index) => !once.has(check) || findings.findIndex(other => other.check === check) === index,
  )
}
