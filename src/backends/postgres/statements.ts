import { inSchema } from './names.js'
import { TRIGGERS } from './triggers.js'

const HEAD = `h.format::text, h.epoch, h.number::text, h.nonce, h.bound::text`
const ENCODING = `current_setting('client_encoding')`

/** In ms since 1970. */
const CLOCK = `(date_part('epoch', clock_timestamp()) * 1000)::bigint`

const ENABLED = `(SELECT (count(t.oid) = ${TRIGGERS.length})::text FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid
  AND t.tgname IN (${TRIGGERS.map(name => `'${name}'`).join(', ')}) AND t.tgenabled IN ('O', 'A')
  WHERE c.oid = to_regclass($name$@schema@.durabledict_entries$name$) HAVING count(c.oid) > 0)`

/** How many rows one statement of a load reads. */
export const PAGE = 10_000

/** The statements of one schema. */
export function statementsIn(schemaName: string) {
  const sql = (text: string) => inSchema(text, schemaName)
  return {
    /** The encodings, and whether the triggers of the entries are enabled: NULL if there is no such table. */
    facts: `SELECT ${ENCODING}, current_setting('server_encoding'), ${sql(ENABLED)}`,

    /** The head. Values: dictionary. */
    head: sql(
      `SELECT ${HEAD}, ${ENCODING}, current_setting('server_encoding') FROM @schema@.durabledict_heads h WHERE h.dictionary = $1`,
    ),

    /** The head, with the changes since a version. Values: dictionary, epoch, number. */
    check: sql(
      `SELECT ${HEAD}, ${ENCODING}, CASE WHEN h.epoch = $2 AND h.number > $3::bigint THEN ` +
        '@schema@.durabledict_since_1($1, $3::bigint, h.number) END FROM @schema@.durabledict_heads h WHERE h.dictionary = $1',
    ),

    /** Values: dictionary, epoch, nonce. */
    begin: sql('SELECT @schema@.durabledict_begin_1($1, $2, $3)::text'),

    /** Entries after a key. Values: dictionary, key. */
    entries: sql(
      'SELECT e.key, CASE WHEN e.encoded IS NULL THEN e.value::text END, e.encoded FROM @schema@.durabledict_entries e ' +
        `WHERE e.dictionary = $1 AND e.key > $2 ORDER BY e.key LIMIT ${PAGE}`,
    ),

    /** Inside a transaction of the application. Values: dictionary, key. */
    entry: sql(
      'SELECT CASE WHEN encoded IS NULL THEN value::text END, encoded FROM @schema@.durabledict_entries WHERE dictionary = $1 AND key = $2',
    ),

    /** Values: dictionary, key, JSON, text. */
    upsert: sql(
      'INSERT INTO @schema@.durabledict_entries (dictionary, key, value, encoded) VALUES ($1, $2, $3::jsonb, $4) ' +
        'ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value, encoded = excluded.encoded',
    ),

    /** Values: dictionary, key. */
    remove: sql('DELETE FROM @schema@.durabledict_entries WHERE dictionary = $1 AND key = $2 RETURNING key'),

    /** Says who changes what, until the transaction ends. Values: author, reason. */
    attribute: `SELECT set_config('durabledict.by', $1, true), set_config('durabledict.reason', $2, true)`,

    /** Executes a batch, by a function that takes these literals. */
    commit: (name: 'commit' | 'set' | 'everywhere', literals: readonly string[]) =>
      `SELECT h_format::text, h_epoch, h_number::text, h_nonce, h_bound::text, ${ENCODING}, h_outcomes, h_changes` +
      `${name === 'everywhere' ? ', h_registry' : ''} ` +
      `FROM ${sql('@schema@')}.durabledict_${name}_1(${literals.join(', ')})`,

    /** For tables without a registry. Values: dictionary, bound. */
    raiseBound: sql(
      'UPDATE @schema@.durabledict_heads SET bound = $2::float8 WHERE dictionary = $1 AND bound < $2::float8',
    ),

    /** Values: dictionary, keep, days, wait. */
    policy: sql('SELECT @schema@.durabledict_policy_1($1, $2::integer, $3::float8, $4)::text'),

    /** The changes of the log that may name an author. Values: dictionary. */
    notes: sql(
      `SELECT number::text, notes FROM @schema@.durabledict_changes WHERE dictionary = $1 AND notes LIKE '%"by"%' ORDER BY number`,
    ),

    /** Values: dictionary, a list of [number, notes before, notes after]. */
    setNotes: sql(
      'UPDATE @schema@.durabledict_changes c SET notes = n->>2 FROM json_array_elements($2::text::json) n ' +
        'WHERE c.dictionary = $1 AND c.number = (n->>0)::bigint AND c.notes = n->>1',
    ),

    /** Values: dictionary, author. */
    forgetAuthor: sql(
      'WITH forgotten AS (UPDATE @schema@.durabledict_commits SET author = NULL WHERE dictionary = $1 AND author = $2 RETURNING 1) ' +
        'SELECT count(*)::text FROM forgotten',
    ),

    /** The head of the history, with commits, newest first. Further values are those of the condition. Values: dictionary. */
    page: (condition: string, limit: number) =>
      sql(
        'SELECT h.epoch, h.history_epoch, h.position::text, h.floor::text, h.dropped::text, c.position::text, c.format::text, ' +
          `c.number::text, c.nonce, (date_part('epoch', c.at) * 1000)::bigint::text, c.author, c.reason, c.via, c.changes::text ` +
          'FROM @schema@.durabledict_heads h LEFT JOIN LATERAL (SELECT * FROM @schema@.durabledict_commits l ' +
          `WHERE l.dictionary = h.dictionary AND l.position > h.floor AND l.position <= h.position${condition} ORDER BY l.position DESC LIMIT ${limit}) c ` +
          'ON true WHERE h.dictionary = $1 ORDER BY c.position DESC',
      ),
    ...registryStatements(sql),
  }
}

/** Those of the registry of replicas. */
function registryStatements(sql: (text: string) => string) {
  return {
    /** Whether there is a table of replicas. */
    hasRegistry: sql('SELECT (to_regclass($name$@schema@.durabledict_replicas$name$) IS NOT NULL)::text'),

    /** Values: dictionary, id, record, version, bound, ttl, renewal, wait, new epoch, new nonce. */
    register: sql(
      'SELECT row_to_json(r)::text FROM @schema@.durabledict_register_1($1, $2, $3, $4, $5::float8, $6::bigint, $7, $8, $9, $10) r',
    ),

    /** Values: dictionary, bound (NULL: what rows need), wait, new epoch, new nonce. */
    bound: sql('SELECT @schema@.durabledict_bound_1($1, $2::float8, $3, $4, $5)::text'),

    /** Values: dictionary. */
    registry: sql('SELECT @schema@.durabledict_registry_1($1)'),

    /** Values: dictionary, id. */
    leave: sql('DELETE FROM @schema@.durabledict_replicas WHERE dictionary = $1 AND id = $2'),

    /** Values: dictionary, id, version, channel. */
    acknowledge: sql(
      'WITH renewed AS (UPDATE @schema@.durabledict_replicas SET version = $3 WHERE dictionary = $1 AND id = $2 RETURNING 1) ' +
        "SELECT pg_notify($4, '')::text FROM renewed",
    ),

    /** The id and the version of some rows. Values: dictionary, ids as JSON. */
    versions: sql(
      'SELECT json_build_object($name$id$name$, r.id, $name$version$name$, r.version)::text FROM @schema@.durabledict_replicas r ' +
        'WHERE r.dictionary = $1 AND r.id IN (SELECT json_array_elements_text($2::text::json))',
    ),

    /** Which of the log's changes have these numbers, up to the head. Values: dictionary, numbers as JSON. */
    nonces: sql(
      'SELECT json_build_object($name$number$name$, c.number, $name$nonce$name$, c.nonce)::text FROM @schema@.durabledict_changes c ' +
        'JOIN @schema@.durabledict_heads h ON h.dictionary = c.dictionary AND c.number <= h.number ' +
        'WHERE c.dictionary = $1 AND c.number IN (SELECT json_array_elements_text($2::text::json)::bigint)',
    ),

    /** Renews rows: see `RenewRows`. Values: a list of dictionary, id and version as JSON, renewal, dictionaries that are due as JSON. */
    renew: sql(`WITH given AS (SELECT * FROM json_to_recordset($1::text::json) AS g(dict text, id text, version text)),
      renewed AS (UPDATE @schema@.durabledict_replicas r SET renewed = ${CLOCK}, renewal = $2, version = g.version FROM given g
        WHERE r.dictionary = g.dict AND r.id = g.id RETURNING r.dictionary, r.id)
      SELECT row_to_json(x)::text FROM (
        SELECT w.dictionary AS dict, w.id, h.number, h.epoch, h.nonce, h.bound, NULL::text AS renewal, NULL::bigint AS ttl, NULL::text AS record,
          NULL::bigint AS size, NULL::float8 AS most
        FROM renewed w JOIN @schema@.durabledict_heads h ON h.dictionary = w.dictionary
        UNION ALL
        SELECT r.dictionary, r.id, NULL, NULL, NULL, NULL, r.renewal, r.ttl, @schema@.durabledict_record_1(r),
          (SELECT count(*) FROM @schema@.durabledict_replicas s WHERE s.dictionary = r.dictionary),
          (SELECT max(s.bound) FROM @schema@.durabledict_replicas s WHERE s.dictionary = r.dictionary AND s.id <> '')
        FROM @schema@.durabledict_replicas r WHERE r.dictionary IN (SELECT json_array_elements_text($3::text::json))
          AND (r.id = '' OR r.renewed <= ${CLOCK} - r.ttl OR r.renewed > ${CLOCK} + r.ttl)
      ) x`),

    /** Drops rows that have not been renewed since. Values: dictionary, a list of id and renewal as JSON. */
    drop: sql(
      'DELETE FROM @schema@.durabledict_replicas r USING json_to_recordset($2::text::json) AS x(id text, renewal text) ' +
        'WHERE r.dictionary = $1 AND r.id = x.id AND r.renewal = x.renewal',
    ),
  }
}

export type Statements = ReturnType<typeof statementsIn>
