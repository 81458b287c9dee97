import { fromParts, toParts } from '../../src/backends/model/history/commit-rows.js'
import { readDropped } from '../../src/backends/model/history/history-writing.js'
import { readRecord, recordText } from '../../src/backends/model/history/record.js'
import { readHead, readPast } from '../../src/backends/postgres/answers.js'
import { readPushed } from '../../src/backends/postgres/pushed.js'
import { readRegistry } from '../../src/backends/postgres/replicas.js'
import { readChanges } from '../../src/backends/postgres/sides.js'
import { UTF8 } from '../../src/backends/postgres/stored-form.js'
import { parsePage } from '../../src/backends/redis/page-reply.js'
import { formatNote, parseNote } from '../../src/backends/sqlite/log-record.js'
import { formatSaid, parseRow } from '../../src/backends/sqlite/registry-rows.js'
import { ColumnReader } from '../../src/backends/sqlite/text.js'
import { DurableDictError } from '../../src/index.js'
import { type Parser, SECRET } from '../../torture/fuzz/spoil.js'
import { cellsOf, never, ofJson, ofText } from './parser-of.js'

const { unsafe } = UTF8

/** A change as functions of PostgreSQL return and send it. */
const change = ['8', 'ab12', 'cd34', 'batch', JSON.stringify([['s', 'k', SECRET]]), null]
const head = { number: 8, epoch: 'e1', nonce: 'ab12', version: '8-e1-ab12', bound: 0 }

const replica = { id: 'a', host: 'h', pid: 5, library: '1', live: true, bound: 5, version: '8-e1-ab12' }
const columns = new ColumnReader('UTF-8')

/** Rows of texts and nothing else. */
function textsIn(answer: unknown): (string | null)[][] {
  const rows = Array.isArray(answer) ? answer.filter(row => Array.isArray(row)) : []
  return rows.map(row => row.map((cell: unknown) => (typeof cell === 'string' ? cell : null)))
}

/** A row of SQLite: each value comes with its type. */
function typedRow(value: unknown): Record<string, unknown> {
  const [row = {}] = cellsOf([value])
  const types = Object.entries(row).map(([name, cell]) => [
    `${name}_type`,
    typeof cell === 'string' ? 'text' : 'integer',
  ])
  return { ...row, ...Object.fromEntries(types) }
}

/** Parsers of records of the history, and of what PostgreSQL sends. */
export const HISTORY_PARSERS: Record<string, Parser> = {
  'commits in the history of Redis': ofText(
    ['format 1 commit 7 at 5 version 8-a.1.0-b.1\nby 3 ada\nkey 1 a\nbefore 1 1\nafter 7 hunter2\nkey 1 b\nafter 0 \n'],
    text => {
      const page = parsePage(['ab12', 0, 0, ['k', 3], [7, text, ['c', SECRET]]])
      return page?.commits.map(commit => commit.toCommit('ab12', commit.cleared as never))
    },
    never,
  ),
  'notifications of PostgreSQL': ofText([JSON.stringify([change])], text => [readPushed(text, 'e1', unsafe)], never),
  'answers of PostgreSQL': ofJson(
    [[change], [['1', 'e1', '8', 'ab12', '5']]],
    answer => {
      const rows = textsIn(answer)
      const heads = rows.filter(({ length }) => length === 5)
      return [readPast(JSON.stringify(rows), '7-e1-cd34', head, unsafe), heads.map(row => readHead([row], 'd'))]
    },
    error => error instanceof DurableDictError,
  ),
  'commits in the history of PostgreSQL': ofText(
    [
      JSON.stringify([
        ['k', { json: 1 }, SECRET],
        ['l', null, { json: SECRET }],
      ]),
    ],
    text => [readChanges(text, unsafe)],
    never,
  ),
  'replicas of PostgreSQL': ofJson(
    [[{ id: 'a', record: JSON.stringify({ host: 'h', pid: 5, library: '1', live: true }), renewed: 1, ttl: 5, at: 2 }]],
    rows => readRegistry(JSON.stringify(cellsOf(rows))),
    never,
  ),
  'commits of models': ofText(
    toParts([{ key: 'k', before: SECRET, after: new Uint8Array([1]) }], 1e6),
    text => [fromParts([text, '+]']), fromParts([text])],
    never,
  ),
  'the state of the history of models': ofText(
    [
      recordText({ epoch: 'ab12', position: 7, floor: 1, gone: 2, nonce: 'cd34', policy: { keep: 5, days: 7 } }),
      '[["k",5]]',
    ],
    text => [readRecord(text, { number: 8, nonce: 'cd34' }), readDropped(text)],
    never,
  ),
  'notes in the log of SQLite': ofText(
    [formatNote({ effects: 3, by: SECRET, reason: 'x', via: 'cli' })],
    text => [parseNote(text)],
    never,
  ),
  'replicas in SQLite': ofJson(
    [{ place: 1, renewal: 5, ttl: 7, id: 'a', seen_at: 5, bound: 5, held: '8-e1-ab12', said: formatSaid(replica) }],
    row => parseRow(typedRow(row) as never, columns),
    never,
  ),
}
