import { builtin } from '../../../process/builtin.js'
import { quoted, type Statement } from '../dialect.js'
import { sqlite } from '../dialects/sqlite.js'
import {
  LARGEST_STATEMENT,
  MARK,
  STATEMENT_ROWS,
  TRIGGER_FORMAT,
  TRIGGER_PREFIX,
  type TriggeredTable,
} from './triggered-table.js'

/**
 * SQLite knows no transaction triggers, so each changed row moves the head at once. The rows of one statement share a change: the
 * time is the same in all of it, and its rows follow each other without another write of the connection. Each row renews the nonce,
 * so that a change which others have read already is recognized as another one.
 */

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/** The statements that create the triggers of a table, or replace those of an earlier release. */
export function sqliteTriggers(table: TriggeredTable): string[] {
  const [inserted, updated, deleted] = sqliteTriggerNames(table)
  const { quote } = sqlite
  const { keyColumn, valueColumn, wholeRows } = table
  const isSame = (name: string) => `OLD.${quote(name)} IS NEW.${quote(name)}`
  const changed = wholeRows ? '1' : `NOT (${isSame(keyColumn)} AND ${isSame(valueColumn)})`
  const same = isSame(keyColumn)
  const [before, after] = [sideOf(table, 'OLD'), sideOf(table, 'NEW')]
  const absent = { side: `'null'` }
  return [
    ...dropSqliteTriggers(table),
    ...triggers(table, inserted, 'INSERT', isKey(table, 'NEW'), [
      { row: 'NEW', effect: after.tuple, before: absent.side, after: after.side },
    ]),
    ...triggers(table, updated, 'UPDATE', `${changed} AND ${same} AND ${isKey(table, 'NEW')}`, [
      { row: 'NEW', effect: after.tuple, before: before.side, after: after.side },
    ]),
    ...triggers(table, `${updated}_k`, 'UPDATE', `NOT (${same}) AND ${isKey(table, 'OLD')}`, [
      { row: 'OLD', effect: undefined, before: before.side, after: absent.side },
    ]),
    ...triggers(table, `${updated}_n`, 'UPDATE', `NOT (${same}) AND ${isKey(table, 'NEW')}`, [
      { row: 'NEW', effect: after.tuple, before: absent.side, after: after.side },
    ]),
    ...triggers(table, deleted, 'DELETE', isKey(table, 'OLD'), [
      { row: 'OLD', effect: undefined, before: before.side, after: absent.side },
    ]),
  ]
}

/** The statements that remove them. */
export function dropSqliteTriggers(table: TriggeredTable): string[] {
  return [false, true].flatMap(wholeRows => {
    const [inserted, updated, deleted] = sqliteTriggerNames({ ...table, wholeRows })
    const names = [inserted, updated, `${updated}_k`, `${updated}_n`, deleted]
    return names.flatMap(name => [`DROP TRIGGER IF EXISTS ${name}`, `DROP TRIGGER IF EXISTS ${name}_m`])
  })
}

/** Selects the triggers of a table: `name`, `enabled`. */
export function findSqliteTriggers({ dictionary }: Pick<TriggeredTable, 'dictionary'>): Statement {
  return {
    sql: `SELECT name, 1 AS enabled FROM sqlite_master WHERE type = 'trigger' AND name LIKE ? ESCAPE '\\'`,
    parameters: [`durabledict\\_edits\\_%\\_${idOf(dictionary)}\\_%`],
  }
}

/** The names of the triggers of a table, of inserted, updated and deleted rows. */
export function sqliteTriggerNames({
  dictionary,
  wholeRows,
}: Pick<TriggeredTable, 'dictionary' | 'wholeRows'>): [string, string, string] {
  const name = `${TRIGGER_PREFIX}${TRIGGER_FORMAT}${wholeRows ? 'r' : ''}_${idOf(dictionary)}`
  return [`${name}_i`, `${name}_u`, `${name}_d`]
}

function idOf(dictionary: string): string {
  return builtin.crypto.createHash('sha256').update(dictionary).digest('hex').slice(0, 16)
}

/** One key that a row changed. Everything is SQL. */
interface KeyEdit {
  readonly row: 'OLD' | 'NEW'
  /** `undefined`: the key is gone. */
  readonly effect: ((key: string) => string) | undefined
  /** The sides of the change, for the history. */
  readonly before: string
  readonly after: string
}

/** How a row is logged, and what the history keeps of its value. */
function sideOf({ valueColumn, wholeRows }: TriggeredTable, row: 'OLD' | 'NEW') {
  const value = `${row}.${sqlite.quote(valueColumn)}`
  const read = (key: string) => `'["row",' || ${key} || ']'`
  const set = (key: string) =>
    `CASE WHEN typeof(${value}) = 'text' THEN '["set",' || ${key} || ',' || json_quote(${value}) || ']' ELSE ${read(key)} END`
  return {
    tuple: wholeRows ? read : set,
    side:
      `CASE typeof(${value}) WHEN 'text' THEN json_quote(${value}) WHEN 'blob' THEN '{"hex":"' || hex(${value}) || '"}' ` +
      `ELSE '{"damaged":true}' END`,
  }
}

/** Whether the row can be an entry. */
function isKey({ keyColumn }: TriggeredTable, row: 'OLD' | 'NEW'): string {
  const key = `${row}.${sqlite.quote(keyColumn)}`
  return `typeof(${key}) = 'text' AND ${key} <> '' AND (length(CAST(${key} AS BLOB)) <= 512 OR instr(${key}, char(1)) > 0)`
}

/** The moment of the statement in ms: the same for all its rows. */
const MOMENT = `CAST(round((julianday('now') - 2440587.5) * 86400000) AS integer)`

/** Marks the change on which a trigger works. */
const PENDING = 'sql-pending'

/** Two triggers: one that records the row, and one for the many rows of a statement after everything is to be reloaded. */
function triggers(
  table: TriggeredTable,
  name: string,
  event: string,
  condition: string,
  edits: readonly [KeyEdit],
): string[] {
  const { dictionary, versions } = table
  const { versions: heads, changes } = versions
  const dict = literal(dictionary)
  const isMarked = `EXISTS (SELECT 1 FROM ${heads} v JOIN ${changes} c ON c.dict = v.dict AND c.number = v.number + 1
  WHERE v.dict = ${dict} AND c.batch = '${MARK}' AND c.previous = v.nonce)`
  const isMuch = `EXISTS (SELECT 1 FROM ${heads} v JOIN ${changes} c ON c.dict = v.dict AND c.number = v.number AND c.nonce = v.nonce
  WHERE v.dict = ${dict} AND c.effects IS NULL AND c.${isOfStatement})`
  const on = `AFTER ${event} ON ${quoted(sqlite, { name: table.table.name })} FOR EACH ROW\nWHEN ${condition} AND NOT ${isMarked}`
  return [
    `CREATE TRIGGER ${name} ${on} AND NOT ${isMuch}\nBEGIN${recording(table, edits)}\nEND`,
    `CREATE TRIGGER ${name}_m ${on} AND ${isMuch}
BEGIN
  UPDATE ${heads} SET nonce = lower(hex(randomblob(12))) WHERE dict = ${dict};
  UPDATE ${changes} SET nonce = (SELECT nonce FROM ${heads} WHERE dict = ${dict}), batch = 'sql-' || ${MOMENT} || '-' || total_changes()
    WHERE dict = ${dict} AND number = (SELECT number FROM ${heads} WHERE dict = ${dict});
END`,
  ]
}

/** The change was made by the same statement: only its own writes came after. */
const isOfStatement = `batch = 'sql-' || ${MOMENT} || '-' || (total_changes() - 1)`

/** The statements that log the change of a row, record it in the history and move the head. */
function recording(table: TriggeredTable, [edit]: readonly [KeyEdit]): string {
  const { keyColumn, dictionary, versions } = table
  const dict = literal(dictionary)
  const key = `${edit.row}.${sqlite.quote(keyColumn)}`
  const { versions: heads, changes, commits } = versions
  // A key with an escape is read with everything else: SQL cannot convert it to JSON.
  const isPlain = `instr(${key}, char(1)) = 0`
  const jsonKey = `json_quote(${key})`
  const tuple = edit.effect ? edit.effect(jsonKey) : `'["delete",' || ${jsonKey} || ']'`
  const change = `'[' || ${jsonKey} || ',' || ${edit.before} || ',' || ${edit.after} || ']'`
  const head = `(SELECT number FROM ${heads} WHERE dict = ${dict})`
  const pending = `dict = ${dict} AND number IN (${head}, ${head} + 1) AND batch = '${PENDING}'`
  const logged = (column: string) => `(SELECT ${column} FROM ${changes} WHERE ${pending})`
  const past = (path: string) => `CASE WHEN json_valid(history) THEN json_extract(history, '$.${path}') END`
  const isValid = `coalesce(typeof(${past('position')}) = 'integer' AND typeof(${past('gone')}) = 'integer' AND typeof(${past('floor')}) = 'integer' AND typeof(${past('epoch')}) = 'text', 0)`
  const isNew = `(NOT ${isValid} OR ${past('nonce')} IS NOT nonce)`
  const base = `CASE WHEN ${isValid} THEN ${past('position')} ELSE 0 END`
  const first = `CASE WHEN ${isNew} AND (number > 0 OR history IS NOT NULL) THEN max(${base}, 1) ELSE ${base} END`
  const isKept = `${logged('effects')} IS NOT NULL AND coalesce(${past('format')}, 1) = 1 AND coalesce(${past('keep')}, 1) > 0`
  const isNext = `${logged('number')} = number + 1`
  const keep = `coalesce(${past('keep')}, 1000)`
  const notes = (count: string) => `'{"format":1,"notes":[{"effects":' || ${count} || ',"via":"sql"}]}'`
  return `
  INSERT INTO ${changes} (dict, number, nonce, previous, batch, effects, bytes, notes)
    SELECT ${dict}, v.number + 1, lower(hex(randomblob(12))), v.nonce, '${PENDING}', CASE WHEN ${isPlain} THEN '[' || ${tuple} || ']' END,
      v.bytes + length(${tuple}), CASE WHEN ${isPlain} THEN ${notes("'1'")} END
    FROM ${heads} v WHERE v.dict = ${dict} AND v.format = 1
      AND NOT EXISTS (SELECT 1 FROM ${changes} WHERE dict = ${dict} AND number = v.number AND nonce = v.nonce AND ${isOfStatement})
    ON CONFLICT (dict, number) DO UPDATE SET nonce = excluded.nonce, previous = excluded.previous, batch = excluded.batch,
      effects = excluded.effects, bytes = excluded.bytes, notes = excluded.notes;
  UPDATE ${changes} SET nonce = lower(hex(randomblob(12))), batch = '${PENDING}', bytes = bytes + length(${tuple}),
      effects = CASE WHEN ${isPlain} AND length(effects) < ${LARGEST_STATEMENT} AND json_array_length(effects) < ${STATEMENT_ROWS}
        THEN substr(effects, 1, length(effects) - 1) || ',' || ${tuple} || ']' END
    WHERE dict = ${dict} AND number = ${head} AND nonce = (SELECT nonce FROM ${heads} WHERE dict = ${dict}) AND ${isOfStatement};
  UPDATE ${changes} SET notes = CASE WHEN effects IS NOT NULL THEN ${notes('json_array_length(effects)')} END WHERE ${pending} AND number = ${head};
  UPDATE ${changes} SET effects = NULL, notes = NULL WHERE ${pending} AND length(effects) > ${LARGEST_STATEMENT * 32};
  DELETE FROM ${commits} WHERE dict = ${dict} AND (SELECT ${isNew} AND ${isKept} FROM ${heads} WHERE dict = ${dict});
  INSERT OR REPLACE INTO ${commits} (dict, position, part, format, number, nonce, at, via, entry_key, changes)
    WITH RECURSIVE text(whole) AS (SELECT '[' || ${change} || ']'),
      parts(part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts, text WHERE (part + 1) * 128000 < length(whole))
    SELECT ${dict}, ${first} + 1, part, 1, number + 1, ${logged('nonce')}, ${MOMENT}, 'sql', ${key},
      CASE WHEN part > 0 THEN '+' ELSE '' END || substr(whole, part * 128000 + 1, 128000)
    FROM ${heads}, text, parts WHERE dict = ${dict} AND ${isNext} AND ${isKept};
  UPDATE ${commits} SET entry_key = NULL, changes = substr(changes, 1, length(changes) - 1) || ',' || ${change} || ']'
    WHERE dict = ${dict} AND part = 0 AND length(changes) < 128000 AND (SELECT NOT (${isNext}) AND ${isKept} AND NOT ${isNew}
      AND ${past('position')} = ${commits}.position FROM ${heads} WHERE dict = ${dict});
  UPDATE ${commits} SET nonce = ${logged('nonce')}
    WHERE dict = ${dict} AND (SELECT NOT (${isNext}) AND ${isKept} AND NOT ${isNew} AND ${past('position')} = ${commits}.position
      FROM ${heads} WHERE dict = ${dict});
  UPDATE ${changes} SET effects = NULL, notes = NULL WHERE ${pending} AND (SELECT NOT (${isNext}) AND ${isKept} AND NOT ${isNew}
    AND EXISTS (SELECT 1 FROM ${commits} c WHERE c.dict = ${dict} AND c.position = ${past('position')} AND (c.part > 0 OR length(c.changes) >= 128000))
    FROM ${heads} WHERE dict = ${dict});
  UPDATE ${heads} SET history = CASE WHEN NOT (${isKept}) THEN history
        WHEN NOT (${isNext}) THEN json_set(history, '$.nonce', ${logged('nonce')})
        WHEN ${isNew} THEN json_set(CASE WHEN ${isValid} THEN history ELSE '{}' END, '$.format', 1,
          '$.epoch', CASE WHEN ${isValid} THEN ${past('epoch')} ELSE lower(hex(randomblob(6))) END,
          '$.position', ${first} + 1, '$.floor', ${first}, '$.gone', ${first}, '$.nonce', ${logged('nonce')})
        ELSE json_set(history, '$.position', ${first} + 1, '$.nonce', ${logged('nonce')}) END,
      dropped = CASE WHEN ${isNew} AND ${isKept} THEN NULL ELSE dropped END,
      number = ${logged('number')}, nonce = ${logged('nonce')}, bytes = ${logged('bytes')}
    WHERE dict = ${dict} AND ${logged('number')} IS NOT NULL;
  DELETE FROM ${commits} WHERE dict = ${dict} AND position <= (SELECT ${past('position')} - ${keep} FROM ${heads}
    WHERE dict = ${dict} AND NOT ${isNew} AND ${past('position')} % 64 = 0 AND ${past('position')} - ${past('gone')} > 2 * ${keep});
  UPDATE ${heads} SET history = json_set(history, '$.floor', max(${past('floor')}, ${past('position')} - ${keep}), '$.gone', ${past('position')} -
      (SELECT count(*) FROM ${commits} c WHERE c.dict = ${dict} AND c.part = 0 AND c.position <= ${past('position')} AND c.position > ${past('position')} - ${keep}))
    WHERE dict = ${dict} AND NOT ${isNew} AND ${past('position')} % 64 = 0 AND ${past('position')} - ${past('gone')} > 2 * ${keep};
  DELETE FROM ${changes} WHERE dict = ${dict} AND ${head} % 64 = 0 AND (number <= ${head} - 10000
    OR bytes <= (SELECT bytes FROM ${heads} WHERE dict = ${dict}) - 8388608);
  UPDATE ${changes} SET batch = 'sql-' || ${MOMENT} || '-' || total_changes() WHERE dict = ${dict} AND number = ${head} AND batch = '${PENDING}';`
}
