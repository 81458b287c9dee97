import type { StoredCommit } from '../../contract/history.js'
import { noHistory } from '../../dictionary/settings.js'
import { changeJson, lineOf } from '../changes.js'
import type { Desk } from '../desk.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import type { Verb } from '../verb.js'

const STANDARD = 20

/** How many commits a page has at most. */
const PAGE = 100

export const history: Verb = {
  name: 'history',
  summary: 'show who changed what, when and why',
  usage: '[KEY]',
  words: [0, 1],
  options: {
    limit: { type: 'string', value: 'N', help: `the most commits to show; default ${STANDARD}` },
    before: { type: 'string', value: 'ID', help: 'only commits older than this one' },
  },
  formats: ['ndjson'],
  details: 'The newest commit comes first. Its ID is for "revert".',
  examples: [
    ['durabledict history payments', 'shows the latest commits that changed this key'],
    ['durabledict history --limit 100 -o ndjson', 'prints one commit a line'],
  ],
  async run({ words: [key], flags, open, screen }) {
    const limit = limitOf(flags.text('limit'))
    const desk = await open({ readOnly: true })
    if (!desk.hasHistory) throw noHistory('history', desk.name)
    if (key !== undefined) desk.checkKey(key)
    const commits = await collect(desk, key, flags.text('before'), limit)
    if (screen.isTable)
      await screen.table(
        HEAD,
        commits.flatMap(commit => rowsOf(desk, commit)),
        1,
      )
    else await screen.items(commits.map(commit => commitJson(desk, commit)))
    return EXIT.ok
  },
}

async function collect(
  desk: Desk,
  key: string | undefined,
  from: string | undefined,
  limit: number,
): Promise<StoredCommit<unknown>[]> {
  const found: StoredCommit<unknown>[] = []
  for (let before = from; found.length < limit; before = found.at(-1)?.id) {
    const wanted = Math.min(PAGE, limit - found.length)
    const page = await desk.commits({ key, before, limit: wanted })
    found.push(...page)
    if (page.length < wanted) break
  }
  return found
}

const HEAD = ['ID', 'WHEN', 'BY', 'VIA', 'REASON', 'CHANGE']

/** One row for each key; the first says whose commit it is. */
function rowsOf(desk: Desk, commit: StoredCommit<unknown>): string[][] {
  const { id, at, by = '', via = 'library', reason = '', changes } = commit
  const said = [id, new Date(at).toISOString(), by, via, reason]
  return changes.map((change, index) => [...(index === 0 ? said : said.map(() => '')), lineOf(desk, change)])
}

function commitJson(desk: Desk, commit: StoredCommit<unknown>): string {
  const { id, version, at, by, reason, via = 'library', changes } = commit
  const said = JSON.stringify({ id, version, at: new Date(at).toISOString(), by, reason, via })
  return `${said.slice(0, -1)},"changes":[${changes.map(change => changeJson(desk, change)).join(', ')}]}`
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return STANDARD
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw usage('--limit takes a whole number from 1.')
}
