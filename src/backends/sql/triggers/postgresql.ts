import { builtin } from '../../../process/builtin.js'
import { quoted, type Statement } from '../dialect.js'
import { postgresql, WRITER_SETTING } from '../dialects/postgresql.js'
import { CHAIN_BODY, JSON_KEY_BODY } from './postgresql-chain.js'
import { EDIT_UNITS, LARGEST_EDIT, TRIGGER_FORMAT, TRIGGER_PREFIX, type TriggeredTable } from './triggered-table.js'

const { quote } = postgresql

/** A text literal, also if backslashes are escapes in the session. */
const literal = (text: string) =>
  `${text.includes('\\') ? 'E' : ''}'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`

/**
 * The statements that make every change of a table a chained change. Run them in one transaction, by the owner of the table. They
 * may run again, and replace the triggers of an earlier release. The version tables must exist.
 *
 * A row trigger notes the key with the values before and after. A deferred constraint trigger locks the head when the transaction
 * commits, and writes one change with all that was noted.
 */
export function postgresqlTriggers(table: TriggeredTable): string[] {
  const its = namesOf(table)
  return [
    editsTable(its),
    `CREATE OR REPLACE FUNCTION ${its.jsonKey}(source text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $durabledict$\n${JSON_KEY_BODY}$durabledict$`,
    ...definer(its, its.chain, CHAIN_BODY(its)),
    chainTrigger(its),
    ...definer(its, its.note, noteBody(table, its)),
    ...definer(its, its.truncate, truncateBody(table, its)),
    dropTriggers(table),
    `CREATE TRIGGER ${its.triggers[0]} AFTER INSERT OR UPDATE OR DELETE ON ${its.data} FOR EACH ROW ` +
      `WHEN (${condition(table)}) EXECUTE FUNCTION ${its.note}()`,
    `CREATE TRIGGER ${its.triggers[1]} BEFORE TRUNCATE ON ${its.data} FOR EACH STATEMENT ` +
      `WHEN (${condition(table)}) EXECUTE FUNCTION ${its.truncate}()`,
  ]
}

/** The statements that remove what {@link postgresqlTriggers} made for this table. What all tables share stays. */
export function dropPostgresqlTriggers(table: TriggeredTable): string[] {
  const { note, truncate } = namesOf(table)
  return [dropTriggers(table), `DROP FUNCTION IF EXISTS ${note}()`, `DROP FUNCTION IF EXISTS ${truncate}()`]
}

/** Selects the triggers of a table: `name`, `enabled`; and the function that remains when the table was created again. */
export function findPostgresqlTriggers({ table, dictionary }: Pick<TriggeredTable, 'table' | 'dictionary'>): Statement {
  const id = idOf(dictionary)
  return {
    sql: `SELECT CAST(tgname AS text) AS name, CASE WHEN tgenabled IN ('O', 'A') THEN 1 ELSE 0 END AS enabled FROM pg_trigger
      WHERE tgrelid = to_regclass(CAST(? AS text)) AND NOT tgisinternal AND strpos(tgname, '${TRIGGER_PREFIX}') = 1 AND strpos(tgname, ?) > 0
      UNION ALL SELECT CAST(proname AS text), 0 FROM pg_proc WHERE proname = ?`,
    parameters: [quoted(postgresql, table), `_${id}`, `durabledict_note_${id}`],
  }
}

/** The names of the triggers of a table. */
export function postgresqlTriggerNames(
  table: Pick<TriggeredTable, 'dictionary' | 'wholeRows'>,
): readonly [string, string] {
  const name = `${TRIGGER_PREFIX}${TRIGGER_FORMAT}${table.wholeRows ? 'r' : ''}_${idOf(table.dictionary)}`
  return [name, `${name}_t`]
}

/** The names of all that is created. */
export interface TriggerNames {
  readonly data: string
  readonly versions: string
  readonly changes: string
  readonly commits: string
  readonly edits: string
  readonly jsonKey: string
  readonly chain: string
  readonly note: string
  readonly truncate: string
  /** Of rows, and of TRUNCATE. */
  readonly triggers: readonly [string, string]
  /** Of the schema of the version tables; an SQL expression. */
  readonly schema: string
}

function namesOf(triggered: TriggeredTable): TriggerNames {
  const { table, dictionary, versions } = triggered
  const { schema } = versions
  const within = (name: string) => quoted(postgresql, { schema, name })
  const id = idOf(dictionary)
  return {
    data: quoted(postgresql, table),
    versions: within(versions.versions),
    changes: within(versions.changes),
    commits: within(versions.commits),
    edits: within(versions.edits),
    jsonKey: within(`${versions.edits}_key`),
    chain: within(`${versions.edits}_chain`),
    note: within(`durabledict_note_${id}`),
    truncate: within(`durabledict_truncate_${id}`),
    triggers: postgresqlTriggerNames(triggered),
    schema:
      schema === undefined
        ? `(SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(${literal(within(versions.versions))}))`
        : literal(quote(schema)),
  }
}

function idOf(dictionary: string): string {
  return builtin.crypto.createHash('sha256').update(dictionary).digest('hex').slice(0, 16)
}

/** Not in a transaction of the library. */
function condition({ dictionary }: TriggeredTable): string {
  return `current_setting('${WRITER_SETTING}', true) IS DISTINCT FROM ${literal(dictionary)}`
}

/** Notes never outlive their transaction, so nothing is lost with a table that a crash empties. */
function editsTable({ edits }: TriggerNames): string {
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
function chainTrigger({ edits, chain }: TriggerNames): string {
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
function definer({ schema }: TriggerNames, name: string, body: string): string[] {
  const path = `format('ALTER FUNCTION %s SET search_path = pg_catalog, %s, pg_temp', ${literal(`${name}()`)}, ${schema})`
  return [
    `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $durabledict$\n${body}$durabledict$`,
    `DO $durabledict$ BEGIN EXECUTE ${path}; END $durabledict$`,
    `REVOKE ALL ON FUNCTION ${name}() FROM PUBLIC`,
  ]
}

/** Those of any release. */
function dropTriggers({ dictionary, table }: TriggeredTable): string {
  const data = quoted(postgresql, table)
  return `DO $durabledict$ DECLARE found record; BEGIN
  FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(${literal(data)}) AND NOT tgisinternal
      AND strpos(tgname, '${TRIGGER_PREFIX}') = 1 AND strpos(tgname, '_${idOf(dictionary)}') > 0 LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, ${literal(data)});
  END LOOP;
END $durabledict$`
}

/** The value column as the notes keep it: text, or bytes in base64. */
function column({ valueColumn, kind }: TriggeredTable, row: string): string {
  const value = `${row}${quote(valueColumn)}`
  if (kind === 'bytes') return `translate(encode(${value}, 'base64'), chr(10), '')`
  return kind === 'json' ? `coalesce(${value}::text, 'null')` : `${value}::text`
}

function typeOf({ wholeRows, kind }: TriggeredTable): string {
  if (kind === 'bytes') return wholeRows ? `'row bytes'` : `'bytes'`
  return wholeRows ? `'row'` : `'set'`
}

/** How the notes of a transaction are counted: in a setting that ends with it, and follows its savepoints. */
function counter(dictionary: string): string {
  return literal(`durabledict.edits_${builtin.crypto.createHash('md5').update(dictionary).digest('hex')}`)
}

/** Whether nothing was noted before: one deferred trigger is enough for all. */
const FIRST = `coalesce(noted, '') = ''`

function noteBody(table: TriggeredTable, its: TriggerNames): string {
  const { dictionary, keyColumn, valueColumn, wholeRows } = table
  const [key, value] = [quote(keyColumn), quote(valueColumn)]
  const same = `OLD.${key} IS NOT DISTINCT FROM NEW.${key} AND OLD.${value}::text IS NOT DISTINCT FROM NEW.${value}::text`
  return `DECLARE
  noted text := current_setting(${counter(dictionary)}, true);
  units bigint;
  old_name text;
  new_name text;
  old_value text;
  new_value text;
  same_key boolean := false;
BEGIN
  IF noted = 'all' THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    ${wholeRows ? '' : `IF ${same} THEN RETURN NULL; END IF;`}
    same_key := OLD.${key} IS NOT DISTINCT FROM NEW.${key};
  END IF;
  IF TG_OP <> 'INSERT' THEN
    old_name := ${jsonKey(its, `OLD.${key}`)};
    old_value := ${column(table, 'OLD.')};
  END IF;
  IF TG_OP <> 'DELETE' THEN
    new_name := ${jsonKey(its, `NEW.${key}`)};
    new_value := ${column(table, 'NEW.')};
  END IF;
  IF same_key THEN old_name := NULL; END IF;
  -- The row is not an entry.
  IF old_name IS NULL AND new_name IS NULL THEN RETURN NULL; END IF;
  units := coalesce(nullif(noted, '')::bigint, 0) + ${EDIT_UNITS} + coalesce(length(old_value), 0) + coalesce(length(new_value), 0);
  IF units > ${LARGEST_EDIT} THEN
    ${everything(its, dictionary)}
  END IF;
  -- Before the notes: with SET CONSTRAINTS ALL IMMEDIATE, the first one is chained at once.
  PERFORM set_config(${counter(dictionary)}, units::text, true);
  IF old_name IS NOT NULL THEN
    ${note(table, its, { key: `OLD.${key}::text`, name: 'old_name', existed: 'true', before: 'old_value', present: 'false', after: 'NULL' })}
  END IF;
  IF new_name IS NOT NULL THEN
    ${note(table, its, { key: `NEW.${key}::text`, name: 'new_name', existed: 'same_key', before: 'CASE WHEN same_key THEN old_value END', present: 'true', after: 'new_value' })}
  END IF;
  RETURN NULL;
END
`
}

/** The plain case by itself, since a call of a function costs more. */
function jsonKey({ jsonKey }: TriggerNames, key: string): string {
  return `CASE WHEN strpos(${key}, chr(1)) = 0 AND length(${key}) BETWEEN 1 AND 128 THEN to_json(${key})::text ELSE ${jsonKey}(${key}::text) END`
}

interface NoteColumns {
  readonly key: string
  readonly name: string
  readonly existed: string
  readonly before: string
  readonly present: string
  readonly after: string
}

/** The first note of a key in a transaction has the value before it, the last one the value after it. */
function note(table: TriggeredTable, { edits }: TriggerNames, columns: NoteColumns): string {
  const { key, name, existed, before, present, after } = columns
  return `INSERT INTO ${edits} AS e (dict, tx, key, name, type, existed, before, present, after, is_first)
    VALUES (${literal(table.dictionary)}, txid_current(), ${key}, ${name}, ${typeOf(table)}, ${existed}, ${before}, ${present}, ${after},
      ${FIRST})
    ON CONFLICT (dict, tx, key) DO UPDATE SET present = excluded.present, after = excluded.after;`
}

/** A note that too much has changed to be noted. */
function everything({ edits }: TriggerNames, dictionary: string): string {
  return `PERFORM set_config(${counter(dictionary)}, 'all', true);
    INSERT INTO ${edits} (dict, tx, key, type, existed, present, is_first)
      VALUES (${literal(dictionary)}, txid_current(), '', 'all', true, true, ${FIRST}) ON CONFLICT DO NOTHING;
    RETURN NULL;`
}

function truncateBody(table: TriggeredTable, its: TriggerNames): string {
  const { dictionary, keyColumn } = table
  const key = `t.${quote(keyColumn)}::text`
  return `DECLARE
  noted text := current_setting(${counter(dictionary)}, true);
  units bigint;
  more bigint;
BEGIN
  IF noted = 'all' THEN RETURN NULL; END IF;
  SELECT coalesce(sum(${EDIT_UNITS} + coalesce(length(there.value), 0)), 0) INTO more
    FROM (SELECT ${column(table, 't.')} AS value FROM ${its.data} t 
      WHERE ${jsonKey(its, key)} IS NOT NULL LIMIT ${Math.ceil(LARGEST_EDIT / EDIT_UNITS)}) there;
  IF more = 0 THEN RETURN NULL; END IF;
  units := coalesce(nullif(noted, '')::bigint, 0) + more;
  IF units > ${LARGEST_EDIT} THEN
    ${everything(its, dictionary)}
  END IF;
  PERFORM set_config(${counter(dictionary)}, units::text, true);
  INSERT INTO ${its.edits} AS e (dict, tx, key, name, type, existed, before, present, after, is_first)
    SELECT ${literal(dictionary)}, txid_current(), ${key}, ${jsonKey(its, key)}, ${typeOf(table)}, true, ${column(table, 't.')}, false, NULL,
      ${FIRST}
    FROM ${its.data} t WHERE ${jsonKey(its, key)} IS NOT NULL
    ON CONFLICT (dict, tx, key) DO UPDATE SET present = false, after = NULL;
  RETURN NULL;
END
`
}
