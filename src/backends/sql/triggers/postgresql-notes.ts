import { builtin } from '../../../process/builtin.js'
import { quoted, type Table } from '../dialect.js'
import { postgresql, WRITER_SETTING } from '../dialects/postgresql.js'
import { EDIT_UNITS, LARGEST_EDIT, TRIGGER_FORMAT } from './triggered-table.js'

/** A table of entries whose changes are noted until the transaction commits. SQL expressions are of columns of a row, `OLD.` or `NEW.`. */
export interface NotedTable {
  readonly table: Table
  readonly keyColumn: string
  /** The columns whose changes count; all if they are `undefined`. */
  readonly valueColumns: readonly string[] | undefined
  /** Identifies the dictionary: the same for all rows, or a column. */
  readonly dictionary: string | { readonly column: string }
  /** An SQL expression for what a note keeps of the row's value, as text. */
  value(row: string): string
  /** What a note says in its column `type`. */
  readonly type: string
  /** The table of notes, and the schema in which functions are created. */
  readonly edits: Table
  /** An SQL expression for the quoted name of that schema, for search paths. */
  readonly schema: string
  /** The body of the trigger function in PL/pgSQL that makes one change of the notes with `NEW.dict` and `NEW.tx`. */
  readonly chain: string
  /**
   * The condition on which the row trigger is called, without `OLD` and `NEW`. Default: if the dictionary is a column, always; otherwise
   * if it is not the library that writes.
   */
  readonly when?: string | undefined
  /** Distinguishes the triggers of a table, in their names. */
  readonly id: string
  /** The names of the triggers of rows and of TRUNCATE. */
  readonly triggers: readonly [string, string]
}

/** A text literal, also if backslashes are escapes in the session. */
export const literal = (text: string) =>
  `${text.includes('\\') ? 'E' : ''}'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`

const { quote } = postgresql
const within = ({ edits: { schema } }: NotedTable, name: string) => quoted(postgresql, { schema, name })

/** The functions of a noted table, of which `chain` and `jsonKey` belong to the table of notes. */
export const noteFunctions = (noted: NotedTable) => ({
  jsonKey: within(noted, `${noted.edits.name}_key`),
  chain: within(noted, `${noted.edits.name}_chain`),
  note: within(noted, `durabledict_note_${noted.id}`),
  truncate: within(noted, `durabledict_truncate_${noted.id}`),
})

/**
 * The statements that create the table of notes, the functions, and the triggers. A row trigger notes the key with the values before
 * and after. When the transaction commits, a deferred constraint trigger calls `chain`, once for each dictionary.
 */
export function notingStatements(noted: NotedTable): string[] {
  const { note, truncate, chain, jsonKey } = noteFunctions(noted)
  const data = quoted(postgresql, noted.table)
  const [rowTrigger, truncateTrigger] = noted.triggers
  const condition =
    noted.when ?? (typeof noted.dictionary === 'string' ? isOthers(literal(noted.dictionary)) : undefined)
  const when = condition === undefined ? '' : ` WHEN (${condition})`
  return [
    editsTable(quoted(postgresql, noted.edits)),
    `CREATE OR REPLACE FUNCTION ${jsonKey}(source text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $durabledict$\n${JSON_KEY_BODY}$durabledict$`,
    ...definer(noted, chain, noted.chain),
    chainTrigger(quoted(postgresql, noted.edits), chain),
    ...definer(noted, note, noteBody(noted)),
    ...definer(noted, truncate, truncateBody(noted)),
    dropTriggers(noted),
    `CREATE TRIGGER ${rowTrigger} AFTER INSERT OR UPDATE OR DELETE ON ${data} FOR EACH ROW${when} EXECUTE FUNCTION ${note}()`,
    `CREATE TRIGGER ${truncateTrigger} BEFORE TRUNCATE ON ${data} FOR EACH STATEMENT${when} EXECUTE FUNCTION ${truncate}()`,
  ]
}

/** Drops the triggers of this table, by any release. */
export function dropTriggers({ table, id }: Pick<NotedTable, 'table' | 'id'>): string {
  const data = quoted(postgresql, table)
  return `DO $durabledict$ DECLARE found record; BEGIN
  FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(${literal(data)}) AND NOT tgisinternal
      AND strpos(tgname, 'durabledict_edits_') = 1 AND strpos(tgname, '_${id}') > 0 LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, ${literal(data)});
  END LOOP;
END $durabledict$`
}

/** Not in a transaction of the library that writes to this dictionary. */
const isOthers = (dictionary: string) => `current_setting('${WRITER_SETTING}', true) IS DISTINCT FROM ${dictionary}`

/** Notes never outlive their transaction, so nothing is lost with a table that a crash empties. */
function editsTable(edits: string): string {
  return `CREATE UNLOGGED TABLE IF NOT EXISTS ${edits} (
  dict text NOT NULL,
  tx bigint NOT NULL,
  key text NOT NULL,
  name text,
  type text NOT NULL,
  existed boolean NOT NULL,
  before text,
  present boolean NOT NULL,
  after text,
  is_first boolean NOT NULL,
  PRIMARY KEY (dict, tx, key)
)`
}

/** Replacing it would wait for every open transaction with notes. */
function chainTrigger(edits: string, chain: string): string {
  const name = `durabledict_chain_${TRIGGER_FORMAT}`
  return `DO $durabledict$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(${literal(edits)}) AND tgname = '${name}') THEN
    CREATE CONSTRAINT TRIGGER ${name} AFTER INSERT ON ${edits} DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.is_first) EXECUTE FUNCTION ${chain}();
  END IF;
END $durabledict$`
}

/**
 * A function with the rights of its owner, so that those who change rows need none on the version tables. Its search path has no
 * schema in which others can create objects.
 */
function definer({ schema }: NotedTable, name: string, body: string): string[] {
  const path = `format('ALTER FUNCTION %s SET search_path = pg_catalog, %s, pg_temp', ${literal(`${name}()`)}, ${schema})`
  return [
    `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $durabledict$\n${body}$durabledict$`,
    `DO $durabledict$ BEGIN EXECUTE ${path}; END $durabledict$`,
    `REVOKE ALL ON FUNCTION ${name}() FROM PUBLIC`,
  ]
}

/** Returns the JSON of the key of a row, or NULL if the row is not an entry. */
const JSON_KEY_BODY = `BEGIN
  IF source IS NULL OR source = '' THEN RETURN NULL; END IF;
  IF strpos(source, chr(1)) = 0 THEN RETURN CASE WHEN octet_length(source) <= 512 THEN to_json(source)::text END; END IF;
  -- U+0001 and four digits represent a character that text cannot contain: NUL, or U+0001 itself.
  IF strpos(regexp_replace(source, chr(1) || '000[01]', '', 'g'), chr(1)) > 0
    OR octet_length(regexp_replace(source, chr(1) || '000[01]', 'x', 'g')) > 512 THEN RETURN NULL; END IF;
  RETURN (SELECT '"' || string_agg(CASE WHEN n = 1 THEN '' ELSE chr(92) || 'u' || left(piece, 4) END
      || regexp_replace(to_json(CASE WHEN n = 1 THEN piece ELSE substr(piece, 5) END)::text, '^"|"$', '', 'g'), '' ORDER BY n) || '"'
    FROM unnest(string_to_array(source, chr(1))) WITH ORDINALITY AS pieces (piece, n));
END
`

/** The plain case by itself, since a call of a function costs more. */
function jsonKey(noted: NotedTable, key: string): string {
  const plain = `strpos(${key}, chr(1)) = 0 AND length(${key}) BETWEEN 1 AND 128`
  return `CASE WHEN ${plain} THEN to_json(${key})::text ELSE ${noteFunctions(noted).jsonKey}(${key}) END`
}

/** The dictionary of a row, and the setting that counts its notes: it ends with the transaction, and follows its savepoints. */
function dictionaryOf({ dictionary }: NotedTable, row: string): string {
  return typeof dictionary === 'string' ? literal(dictionary) : `${row}${quote(dictionary.column)}::text`
}

function settingOf({ dictionary }: NotedTable, dict: string): string {
  if (typeof dictionary !== 'string') return `'durabledict.edits_' || md5(${dict})`
  return literal(`durabledict.edits_${builtin.crypto.createHash('md5').update(dictionary).digest('hex')}`)
}

const isSame = (column: string) => `OLD.${quote(column)}::text IS NOT DISTINCT FROM NEW.${quote(column)}::text`

/** Each row has two sides: before and after. They are one note, unless an update changes the key or the dictionary. */
function noteBody(noted: NotedTable): string {
  const { keyColumn, valueColumns, dictionary } = noted
  const entry = typeof dictionary === 'string' ? [keyColumn] : [keyColumn, dictionary.column]
  const unchanged = valueColumns && [...entry, ...valueColumns].map(isSame).join(' AND ')
  return `DECLARE
  same_entry boolean := false;
  dict text;
  setting text;
  noted text;
  key text;
  name text;
  units bigint;
  old_value text;
  new_value text;
  stays boolean;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    same_entry := ${entry.map(isSame).join(' AND ')};
    ${unchanged ? `IF same_entry AND ${unchanged} THEN RETURN NULL; END IF;` : ''}
  END IF;
  FOR side IN 1..2 LOOP
    stays := false;
    IF side = 1 THEN
      CONTINUE WHEN TG_OP = 'INSERT';
      old_value := ${noted.value('OLD.')};
      CONTINUE WHEN same_entry;
      dict := ${dictionaryOf(noted, 'OLD.')};
      key := OLD.${quote(keyColumn)}::text;
      IF TG_OP = 'UPDATE' THEN
        -- If keys are unique only at the end of a statement, another row of it may have the key now.
        SELECT true, ${noted.value('t.')} INTO stays, new_value FROM ${quoted(postgresql, noted.table)} t
          WHERE ${entry.map(column => `t.${quote(column)} = OLD.${quote(column)}`).join(' AND ')} LIMIT 1;
        stays := coalesce(stays, false);
      END IF;
    ELSE
      CONTINUE WHEN TG_OP = 'DELETE';
      IF NOT same_entry THEN old_value := NULL; END IF;
      new_value := ${noted.value('NEW.')};
      dict := ${dictionaryOf(noted, 'NEW.')};
      key := NEW.${quote(keyColumn)}::text;
    END IF;
    ${typeof dictionary === 'string' ? '' : `CONTINUE WHEN dict IS NULL OR NOT (${isOthers('dict')});`}
    setting := ${settingOf(noted, 'dict')};
    noted := coalesce(current_setting(setting, true), '');
    CONTINUE WHEN noted = 'all';
    name := ${jsonKey(noted, 'key')};
    -- The row is not an entry.
    CONTINUE WHEN name IS NULL;
    units := coalesce(nullif(noted, '')::bigint, 0) + ${EDIT_UNITS} + coalesce(length(old_value), 0) + coalesce(length(new_value), 0);
    -- Before the note: with SET CONSTRAINTS ALL IMMEDIATE, the first one is chained at once.
    PERFORM set_config(setting, CASE WHEN units > ${LARGEST_EDIT} THEN 'all' ELSE units::text END, true);
    IF units > ${LARGEST_EDIT} THEN
      ${everything(noted)}
    ELSE
      INSERT INTO ${quoted(postgresql, noted.edits)} AS e (dict, tx, key, name, type, existed, before, present, after, is_first)
        VALUES (dict, txid_current(), key, name, ${literal(noted.type)}, side = 1 OR same_entry, old_value, side = 2 OR stays, new_value, noted = '')
        ON CONFLICT ON CONSTRAINT ${primaryKey(noted)} DO UPDATE SET present = excluded.present, after = excluded.after,
          existed = e.existed OR stays, before = CASE WHEN stays AND NOT e.existed THEN excluded.before ELSE e.before END;
    END IF;
  END LOOP;
  RETURN NULL;
END
`
}

const primaryKey = ({ edits }: NotedTable) => quote(`${edits.name}_pkey`)

/** A note that too much has changed to be noted. */
function everything(noted: NotedTable): string {
  return `INSERT INTO ${quoted(postgresql, noted.edits)} (dict, tx, key, type, existed, present, is_first)
        VALUES (dict, txid_current(), '', 'all', true, true, noted = '') ON CONFLICT DO NOTHING;`
}

function truncateBody(noted: NotedTable): string {
  const data = quoted(postgresql, noted.table)
  const [dict, key] = [dictionaryOf(noted, 't.'), `t.${quote(noted.keyColumn)}::text`]
  const each =
    typeof noted.dictionary === 'string' ? `SELECT ${dict} AS dict` : `SELECT DISTINCT ${dict} AS dict FROM ${data} t`
  const rows = `${data} t WHERE ${dict} = per.dict AND ${jsonKey(noted, key)} IS NOT NULL`
  const most = Math.ceil(LARGEST_EDIT / EDIT_UNITS)
  return `DECLARE
  per record;
  dict text;
  setting text;
  noted text;
  units bigint;
BEGIN
  FOR per IN ${each} LOOP
    dict := per.dict;
    CONTINUE WHEN dict IS NULL OR NOT (${isOthers('dict')});
    setting := ${settingOf(noted, 'dict')};
    noted := coalesce(current_setting(setting, true), '');
    CONTINUE WHEN noted = 'all';
    SELECT sum(${EDIT_UNITS} + coalesce(length(there.value), 0)) INTO units
      FROM (SELECT ${noted.value('t.')} AS value FROM ${rows} LIMIT ${most}) there;
    CONTINUE WHEN units IS NULL;
    units := units + coalesce(nullif(noted, '')::bigint, 0);
    PERFORM set_config(setting, CASE WHEN units > ${LARGEST_EDIT} THEN 'all' ELSE units::text END, true);
    IF units > ${LARGEST_EDIT} THEN
      ${everything(noted)}
    ELSE
      INSERT INTO ${quoted(postgresql, noted.edits)} AS e (dict, tx, key, name, type, existed, before, present, after, is_first)
        SELECT per.dict, txid_current(), ${key}, ${jsonKey(noted, key)}, ${literal(noted.type)}, true, ${noted.value('t.')}, false, NULL, noted = ''
        FROM ${rows}
        ON CONFLICT ON CONSTRAINT ${primaryKey(noted)} DO UPDATE SET present = false, after = NULL;
    END IF;
  END LOOP;
  RETURN NULL;
END
`
}
