import { MAX_KEY_BYTES } from '../../../contract/key-fault.js'
import { EDIT_BATCH } from '../log-record.js'
import { FORMAT } from '../sql.js'
import { EDITS_FORMAT, EDITS_PREFIX } from './edits-sql.js'

/** How many rows of one statement are logged. Beyond, everything is reloaded; the history has them all. */
const LOGGED_ROWS = 1_000

/** The size of a value that is not logged, in bytes. */
const LARGE_VALUE = 4 * 1024 * 1024

/**
 * The size of the log, in rows and bytes, beyond which an edit removes old changes. It is larger than that of the library, which
 * removes them more precisely: a release without triggers, whose transaction runs the triggers, counts the rows of the log itself.
 */
const MOST_LOGGED = { rows: 11_000, bytes: 10 * 1024 * 1024 }
const KEPT_ROWS = 5_000

/** Edits remove old commits if there are so many more than twice those to keep. The library's writes are stricter. */
const SPARE_COMMITS = 10_000

/** The moment of the statement in ms: the same for all its rows. */
const MOMENT = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"

/** Whether a row of durabledict_edits is of the statement that is running: since then, there was only the write that recorded `changes`. */
const IS_SAME = `moment IS ${MOMENT} AND changes IS total_changes() - 1`

const NOTE = `'{"effects":1,"via":"sql"}'`

/** The size of a row of the log. */
const BYTES = `length(CAST(NEW.key AS BLOB)) + coalesce(length(CAST(NEW.after AS BLOB)), 0) + length(${NOTE})`

const HEAD = (column: string) => `(SELECT ${column} FROM durabledict_heads WHERE dict = NEW.dict)`
const EDIT = (column: string) => `(SELECT ${column} FROM durabledict_edits WHERE dict = NEW.dict)`

/** Whether the dictionary exists, and the writer is not the library, which logs what it does. */
const byHand = (row: string) => `EXISTS (SELECT 1 FROM durabledict_heads WHERE dict = ${row}.dict
    AND writing IS NULL AND format = ${FORMAT} AND typeof(number) = 'integer')`

const isText = (key: string) => `typeof(${key}) = 'text' AND ${key} <> '' AND instr(${key}, char(0)) = 0`

/**
 * Whether a text is a key: `'yes'`, `'no'`, or `'unsure'` for escaped text, which SQL cannot read. Text is well-formed if each character
 * is the same after a conversion to its code point and back, or one of the two for which SQLite returns another. Their lengths in UTF-8
 * are added up.
 */
const KIND_OF_KEY = `CASE
    WHEN instr(NEW.key, char(1)) > 0 THEN 'unsure'
    WHEN length(NEW.key) > ${MAX_KEY_BYTES} THEN 'no'
    WHEN NEW.key NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*' THEN 'yes'
    ELSE (WITH RECURSIVE place(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < length(NEW.key)),
        character(c) AS (SELECT substr(NEW.key, n, 1) FROM place)
      SELECT CASE WHEN min(c = char(unicode(c)) OR c = char(65534) OR c = char(65535))
        AND sum(1 + (unicode(c) > 127) + (unicode(c) > 2047) + (unicode(c) > 65535)) <= ${MAX_KEY_BYTES} THEN 'yes' ELSE 'no' END FROM character)
    END`

/** Whether so many rows of this statement were edited that the log is empty. */
const IS_BULK = `EXISTS (SELECT 1 FROM durabledict_edits WHERE dict = NEW.dict AND cut AND ${IS_SAME})`

const IS_NEW_STATEMENT = 'NEW.batch IS NOT OLD.batch'

/** What the history keeps of a value: 0 in place of one that is neither text nor bytes. */
const side = (value: string) => `CASE typeof(${value}) WHEN 'integer' THEN 0 WHEN 'real' THEN 0 ELSE ${value} END`

const hasHistory = 'coalesce(history_keep, 1) > 0'
const isBroken = `${hasHistory} AND (history_nonce IS NOT nonce OR typeof(history_position) <> 'integer' OR typeof(history_floor) <> 'integer')`
const keep = 'coalesce(history_keep, 1000)'
const isSurplus = `${hasHistory} AND history_commits > 2 * ${keep} + ${SPARE_COMMITS}`
const newestToDrop = `history_position - ${keep}`
const isLong = `log_rows > ${MOST_LOGGED.rows} OR log_bytes > ${MOST_LOGGED.bytes}`

/** Whether the key is not yet among those of the commit. */
const IS_FIRST_OF_KEY = `(NOT EXISTS (SELECT 1 FROM durabledict_commit_keys
    WHERE dict = NEW.dict AND key = NEW.key AND position = ${HEAD('history_position')}))`

/** Notes what a row is about to replace: for a conflict, SQLite runs no trigger that would see it. */
const NOTE_REPLACED = `UPDATE durabledict_edits SET key = NEW.key,
    before = (SELECT value FROM durabledict_entries WHERE dict = NEW.dict AND key = NEW.key),
    changes = CASE WHEN ${IS_SAME} THEN total_changes() ELSE changes END
    WHERE dict = NEW.dict;`

const REPLACED = '(SELECT before FROM durabledict_edits WHERE dict = NEW.dict AND key = NEW.key)'

/** No statement that runs for each row selects what it inserts, or has a list after IN: SQLite would create a temporary table each time. */
const edit = (row: string, before: string, after: string) =>
  `INSERT INTO durabledict_edit VALUES (${row}.dict, ${row}.key, ${before}, ${after}, 'made');`

const RECORD = "INSERT INTO durabledict_edit VALUES (NEW.dict, NEW.key, NEW.before, NEW.after, 'logged');"

const named = (name: string) => `${EDITS_PREFIX}${EDITS_FORMAT}_${name}`

/** A trigger, by its name, event and condition, and the statements that it executes. */
const trigger = (name: string, event: string, condition: string, statements: string): [string, string] => [
  named(name),
  `CREATE TRIGGER ${named(name)} ${event} FOR EACH ROW WHEN ${condition}\nBEGIN\n  ${statements}\nEND`,
]

const isMoved = '(OLD.dict IS NOT NEW.dict OR OLD.key IS NOT NEW.key)'

/** What makes changes of edits by hand, by name: each statement is exactly what SQLite stores. */
export const EDIT_OBJECTS: ReadonlyMap<string, string> = new Map([
  [
    'durabledict_edit',
    // Without tables: others can be renamed while one of these is missing.
    'CREATE VIEW durabledict_edit (dict, key, before, after, step) AS SELECT NULL, NULL, NULL, NULL, NULL',
  ],

  // The rows that any statement changes.
  trigger('replacing', 'BEFORE INSERT ON durabledict_entries', byHand('NEW'), NOTE_REPLACED),
  trigger(
    'inserted',
    'AFTER INSERT ON durabledict_entries',
    `${byHand('NEW')} AND ${isText('NEW.key')}`,
    edit('NEW', REPLACED, 'NEW.value'),
  ),
  trigger(
    'updated',
    'AFTER UPDATE OF value ON durabledict_entries',
    `NOT ${isMoved} AND OLD.value IS NOT NEW.value AND ${byHand('NEW')} AND ${isText('NEW.key')}`,
    edit('NEW', 'OLD.value', 'NEW.value'),
  ),
  trigger(
    'moving',
    'BEFORE UPDATE OF dict, key ON durabledict_entries',
    `${isMoved} AND ${byHand('NEW')}`,
    NOTE_REPLACED,
  ),
  trigger(
    'left',
    'AFTER UPDATE OF dict, key ON durabledict_entries',
    `${isMoved} AND ${byHand('OLD')} AND ${isText('OLD.key')}`,
    edit('OLD', 'OLD.value', 'NULL'),
  ),
  trigger(
    'arrived',
    'AFTER UPDATE OF dict, key ON durabledict_entries',
    `${isMoved} AND ${byHand('NEW')} AND ${isText('NEW.key')}`,
    edit('NEW', REPLACED, 'NEW.value'),
  ),
  trigger(
    'deleted',
    'AFTER DELETE ON durabledict_entries',
    `${byHand('OLD')} AND ${isText('OLD.key')}`,
    edit('OLD', 'OLD.value', 'NULL'),
  ),

  // One row becomes a change in the log, which all rows of the statement share by the name of their batch.
  trigger(
    'row',
    'INSTEAD OF INSERT ON durabledict_edit',
    `NEW.step = 'made' AND ${KIND_OF_KEY} = 'yes' AND NOT ${IS_BULK}`,
    `UPDATE durabledict_edits SET before = CASE WHEN key IS NOT NEW.key THEN before END, moment = ${MOMENT}, nonce = lower(hex(randomblob(12))),
    cut = (${IS_SAME} AND edited >= ${LOGGED_ROWS}) OR coalesce(length(CAST(NEW.after AS BLOB)) > ${LARGE_VALUE}, 0),
    edited = CASE WHEN ${IS_SAME} THEN edited + 1 ELSE 1 END,
    batch = CASE WHEN ${IS_SAME} THEN batch ELSE '${EDIT_BATCH}' || lower(hex(randomblob(12))) END
    WHERE dict = NEW.dict;
  INSERT INTO durabledict_edit VALUES (NEW.dict, NULL, NULL, NULL, 'begun');
  DELETE FROM durabledict_changes WHERE dict = NEW.dict AND number > ${HEAD('number')};
  INSERT INTO durabledict_changes (dict, number, position, nonce, previous, batch, type, key, value, bytes, note)
    VALUES (NEW.dict, ${HEAD('number + 1')}, 0, ${EDIT('nonce')}, ${HEAD('nonce')}, ${EDIT('batch')},
      CASE WHEN NEW.after IS NULL THEN 'delete' ELSE 'set' END, NEW.key, NEW.after, ${BYTES}, ${NOTE});
  DELETE FROM durabledict_changes WHERE dict = NEW.dict AND ${EDIT('cut')};
  UPDATE durabledict_heads SET number = number + 1, nonce = ${EDIT('nonce')},
    history_nonce = CASE WHEN ${hasHistory} THEN ${EDIT('nonce')} ELSE history_nonce END,
    log_rows = CASE WHEN ${EDIT('cut')} THEN 0 ELSE log_rows + 1 END,
    log_bytes = CASE WHEN ${EDIT('cut')} THEN 0 ELSE log_bytes + ${BYTES} END
    WHERE dict = NEW.dict;
  ${RECORD}
  UPDATE durabledict_edits SET changes = total_changes() WHERE dict = NEW.dict;`,
  ),

  // The many rows of a large statement: only the history records them.
  trigger(
    'bulk',
    'INSTEAD OF INSERT ON durabledict_edit',
    `NEW.step = 'made' AND ${KIND_OF_KEY} = 'yes' AND ${IS_BULK}`,
    `${RECORD}
  UPDATE durabledict_edits SET before = CASE WHEN key IS NOT NEW.key THEN before END, changes = total_changes() WHERE dict = NEW.dict;`,
  ),

  // The history gets one key more. Only if there are several do they have parts.
  trigger(
    'recorded',
    'INSTEAD OF INSERT ON durabledict_edit',
    `NEW.step = 'logged' AND ${HEAD(hasHistory)}`,
    `UPDATE durabledict_commit_keys SET part = 0 WHERE dict = NEW.dict AND position = ${HEAD('history_position')} AND key IS NOT NEW.key
    AND key = (SELECT key FROM durabledict_commits WHERE dict = NEW.dict AND position = ${HEAD('history_position')});
  UPDATE durabledict_commits SET number = ${HEAD('number')}, nonce = ${HEAD('nonce')}, keys = keys + ${IS_FIRST_OF_KEY},
    key = CASE WHEN keys + ${IS_FIRST_OF_KEY} = 1 THEN NEW.key END
    WHERE dict = NEW.dict AND position = ${HEAD('history_position')};
  INSERT INTO durabledict_commit_keys (dict, key, position, part, before, after)
    VALUES (NEW.dict, NEW.key, ${HEAD('history_position')}, (SELECT CASE WHEN keys > 1 THEN keys - 1 END FROM durabledict_commits
      WHERE dict = NEW.dict AND position = ${HEAD('history_position')}), ${side('NEW.before')}, ${side('NEW.after')})
    ON CONFLICT (dict, key, position) DO UPDATE SET after = excluded.after;`,
  ),

  // What SQL cannot read: everything is reloaded, and the history begins again with the next change.
  trigger(
    'unsure',
    'INSTEAD OF INSERT ON durabledict_edit',
    `NEW.step = 'made' AND ${KIND_OF_KEY} = 'unsure'`,
    `DELETE FROM durabledict_changes WHERE dict = NEW.dict;
  UPDATE durabledict_heads SET number = number + 1, nonce = lower(hex(randomblob(12))), log_rows = 0, log_bytes = 0, history_nonce = NULL
    WHERE dict = NEW.dict;
  UPDATE durabledict_edits SET before = CASE WHEN key IS NOT NEW.key THEN before END WHERE dict = NEW.dict;`,
  ),

  // A dictionary that a release without triggers creates.
  trigger(
    'created',
    'AFTER INSERT ON durabledict_heads',
    'NOT EXISTS (SELECT 1 FROM durabledict_edits WHERE dict = NEW.dict)',
    'INSERT INTO durabledict_edits (dict) VALUES (NEW.dict);',
  ),

  // Before the first row of a statement, what is too old is removed. Each of these is a trigger, so that usually none is executed.
  trigger(
    'trim_log',
    'AFTER UPDATE OF batch ON durabledict_edits',
    `${IS_NEW_STATEMENT} AND ${HEAD(isLong)}`,
    `DELETE FROM durabledict_changes WHERE dict = NEW.dict
    AND number <= ${HEAD(`number - CASE WHEN log_bytes > ${MOST_LOGGED.bytes} THEN 0 ELSE ${KEPT_ROWS} END`)};
  UPDATE durabledict_heads SET log_rows = (SELECT count(*) FROM durabledict_changes WHERE dict = NEW.dict),
    log_bytes = (SELECT CAST(total(bytes) AS INTEGER) FROM durabledict_changes WHERE dict = NEW.dict) WHERE dict = NEW.dict;`,
  ),
  trigger(
    'trim_history',
    'AFTER UPDATE OF batch ON durabledict_edits',
    `${IS_NEW_STATEMENT} AND ${HEAD(isSurplus)}`,
    `DELETE FROM durabledict_commit_keys WHERE (dict, key, position) IN (SELECT dict, key, position
    FROM durabledict_commits WHERE dict = NEW.dict AND position <= ${HEAD(newestToDrop)} AND key IS NOT NULL);
  DELETE FROM durabledict_commit_keys WHERE dict = NEW.dict AND part IS NOT NULL AND position <= ${HEAD(newestToDrop)};
  DELETE FROM durabledict_commits WHERE dict = NEW.dict AND position <= ${HEAD(newestToDrop)};
  DELETE FROM durabledict_dropped WHERE dict = NEW.dict AND position <= ${HEAD(newestToDrop)};
  UPDATE durabledict_heads SET history_floor = max(history_floor, ${newestToDrop}),
    history_commits = (SELECT count(*) FROM durabledict_commits WHERE dict = NEW.dict) WHERE dict = NEW.dict;`,
  ),
  trigger(
    'restart_history',
    'AFTER UPDATE OF batch ON durabledict_edits',
    `${IS_NEW_STATEMENT} AND ${HEAD(isBroken)}`,
    `DELETE FROM durabledict_commits WHERE dict = NEW.dict;
  DELETE FROM durabledict_commit_keys WHERE dict = NEW.dict;
  DELETE FROM durabledict_dropped WHERE dict = NEW.dict;
  UPDATE durabledict_heads SET history_commits = 0, history_nonce = nonce,
    history_position = CASE WHEN typeof(history_position) = 'integer' THEN max(1, history_position) ELSE 1 END,
    history_floor = CASE WHEN typeof(history_position) = 'integer' THEN max(1, history_position) ELSE 1 END
    WHERE dict = NEW.dict;`,
  ),

  // The first row of a statement begins a commit of the history.
  trigger(
    'begun',
    'INSTEAD OF INSERT ON durabledict_edit',
    `NEW.step = 'begun' AND ${EDIT('edited = 1')} AND ${HEAD(hasHistory)}`,
    `UPDATE durabledict_heads SET history_position = history_position + 1, history_commits = history_commits + 1 WHERE dict = NEW.dict;
  DELETE FROM durabledict_commits WHERE dict = NEW.dict AND position >= ${HEAD('history_position')};
  INSERT INTO durabledict_commits (dict, position, number, nonce, at, via, keys)
    VALUES (NEW.dict, ${HEAD('history_position')}, ${HEAD('number')}, ${HEAD('nonce')}, ${EDIT('moment')}, 'sql', 0);`,
  ),
])
