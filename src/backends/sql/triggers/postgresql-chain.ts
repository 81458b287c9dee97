/** How much of the log is kept, as the library does, and how often it is trimmed. */
const LOG = { commits: 10_000, bytes: 8 * 1024 * 1024, every: 64 }

/** The most characters of a row of a commit. */
const PART = 128_000

/** What a dictionary keeps if no policy is recorded. */
const KEEP = 1_000
const DAYS = 90

/** The quoted names of the version tables. */
interface TableNames {
  readonly versions: string
  readonly changes: string
  readonly commits: string
  readonly edits: string
}

/** JSON of a side of a change in the history. */
const side = (
  exists: string,
  value: string,
) => `CASE WHEN NOT ${exists} THEN 'null' WHEN ${value} IS NULL THEN '{"damaged":true}'
        WHEN type IN ('bytes', 'row bytes') THEN '{"bytes":' || to_json(${value})::text || '}' ELSE to_json(${value})::text END`

/**
 * Writes one change with the notes of a transaction: to the log, to the history and to the head. The head is locked from here to
 * the end of the commit.
 */
export const CHAIN_BODY = (its: TableNames) => `DECLARE
  head record;
  done record;
  effects text;
  token text := left(md5(random()::text || clock_timestamp()::text || txid_current()::text || random()::text), 24);
  author text := coalesce(nullif(current_setting('durabledict.by', true), ''), session_user::text);
  why text := nullif(current_setting('durabledict.reason', true), '');
  logged bigint;
  past jsonb;
  is_valid boolean;
  is_new boolean;
  pos bigint;
  low bigint;
  lost bigint;
  most double precision;
  oldest double precision;
  now_ms bigint := (date_part('epoch', clock_timestamp()) * 1000)::bigint;
  kept text;
BEGIN
  PERFORM set_config('durabledict.edits_' || md5(NEW.dict), '', true);
  IF octet_length(author) > 256 THEN author := left(author, 64); END IF;
  IF octet_length(why) > 1024 THEN why := left(why, 256); END IF;
  WITH noted AS (DELETE FROM ${its.edits} WHERE dict = NEW.dict AND tx = NEW.tx RETURNING key, name, type, existed, before, present, after)
  SELECT count(*) AS keys, bool_or(type = 'all') AS is_all, min(key) AS key,
      '[' || string_agg(CASE WHEN NOT present THEN '["delete",' || name || ']'
        WHEN type LIKE 'row%' OR after IS NULL THEN '["row",' || name || ']'
        ELSE '["' || type || '",' || name || ',' || to_json(after)::text || ']' END, ',' ORDER BY key) || ']' AS effects,
      '[' || string_agg('[' || name || ',' || ${side('existed', 'before')} || ',' || ${side('present', 'after')} || ']', ',' ORDER BY key)
        || ']' AS changes
    INTO done FROM noted
    WHERE type = 'all' OR existed <> present OR (present AND type LIKE 'row%') OR before IS DISTINCT FROM after;
  IF done.keys = 0 THEN RETURN NULL; END IF;
  SELECT v.format, v.number, v.nonce, v.bytes, v.history INTO head FROM ${its.versions} v WHERE v.dict = NEW.dict FOR UPDATE;
  -- Nobody has opened the dictionary yet, or a later release has.
  IF NOT FOUND OR head.format <> 1 THEN RETURN NULL; END IF;
  effects := CASE WHEN done.is_all OR length(done.effects) > ${LOG.bytes} THEN NULL ELSE done.effects END;
  logged := head.bytes + coalesce(length(effects), 0);
  INSERT INTO ${its.changes} (dict, number, nonce, previous, batch, effects, bytes, notes)
    VALUES (NEW.dict, head.number + 1, token, head.nonce, 'sql-' || token, effects, logged,
      CASE WHEN effects IS NOT NULL THEN '{"format":1,"notes":[{"effects":' || done.keys || ',"by":' || to_json(author)::text
        || coalesce(',"reason":' || to_json(why)::text, '') || ',"via":"sql"}]}' END)
    ON CONFLICT (dict, number) DO UPDATE SET nonce = excluded.nonce, previous = excluded.previous, batch = excluded.batch,
      effects = excluded.effects, bytes = excluded.bytes, notes = excluded.notes;
  kept := head.history;
  BEGIN
    past := coalesce(kept, '{}')::jsonb;
  EXCEPTION WHEN OTHERS THEN
    past := '{}';
  END;
  IF jsonb_typeof(past) <> 'object' THEN past := '{}'; END IF;
  is_valid := coalesce(past->>'epoch' ~ '^[0-9a-f]{1,64}$' AND past->>'nonce' ~ '^[0-9a-f]{1,64}$' AND past->>'position' ~ '^[0-9]{1,15}$'
    AND past->>'floor' ~ '^[0-9]{1,15}$' AND past->>'gone' ~ '^[0-9]{1,15}$', false);
  most := CASE WHEN jsonb_typeof(past->'keep') = 'number' THEN (past->>'keep')::double precision END;
  oldest := CASE WHEN jsonb_typeof(past->'days') = 'number' THEN (past->>'days')::double precision END;
  -- Where too much has changed, or nothing is to be kept, the record falls behind the head: readers see that the history has a hole.
  IF effects IS NOT NULL AND coalesce(past->>'format', '1') = '1' AND coalesce(most, 1) > 0 THEN
    is_new := NOT is_valid OR past->>'nonce' <> head.nonce;
    pos := CASE WHEN is_valid THEN (past->>'position')::bigint ELSE 0 END;
    IF is_new THEN
      IF head.number > 0 OR is_valid OR head.history IS NOT NULL THEN pos := greatest(pos, 1); END IF;
      low := pos;
      lost := pos;
      DELETE FROM ${its.commits} WHERE dict = NEW.dict;
    ELSE
      low := (past->>'floor')::bigint;
      lost := (past->>'gone')::bigint;
    END IF;
    pos := pos + 1;
    INSERT INTO ${its.commits} (dict, position, part, format, number, nonce, at, author, reason, via, entry_key, changes)
      SELECT NEW.dict, pos, part, 1, head.number + 1, token, now_ms, author, why, 'sql', CASE WHEN done.keys = 1 THEN done.key END,
        CASE WHEN part > 0 THEN '+' ELSE '' END || substr(done.changes, part * ${PART} + 1, ${PART})
      FROM generate_series(0, (length(done.changes) - 1) / ${PART}) AS part
      ON CONFLICT (dict, position, part) DO UPDATE SET format = excluded.format, number = excluded.number, nonce = excluded.nonce,
        at = excluded.at, author = excluded.author, reason = excluded.reason, via = excluded.via, entry_key = excluded.entry_key,
        changes = excluded.changes;
    -- Writers with the library drop commits earlier, and more fairly.
    IF pos % ${LOG.every} = 0 OR pos - lost > 2 * coalesce(most, ${KEEP}) THEN
      low := greatest(low, (pos - CASE WHEN pos - lost > 2 * coalesce(most, ${KEEP}) THEN coalesce(most, ${KEEP}) ELSE pos END)::bigint,
        (SELECT coalesce(min(c.position), pos) - 1 FROM ${its.commits} c
          WHERE c.dict = NEW.dict AND c.part = 0 AND c.position > low AND c.at >= now_ms - coalesce(oldest, ${DAYS}) * 86400000));
      DELETE FROM ${its.commits} WHERE dict = NEW.dict AND position <= low;
      lost := pos - (SELECT count(*) FROM ${its.commits} c WHERE c.dict = NEW.dict AND c.part = 0 AND c.position > low AND c.position <= pos);
    END IF;
    kept := jsonb_strip_nulls(jsonb_build_object('format', 1, 'epoch', CASE WHEN is_valid THEN past->>'epoch' ELSE left(md5(token), 12) END,
      'position', pos, 'floor', low, 'gone', lost, 'nonce', token, 'keep', past->'keep', 'days', past->'days'))::text;
  END IF;
  UPDATE ${its.versions} SET number = head.number + 1, nonce = token, bytes = logged, history = kept,
      dropped = CASE WHEN is_new THEN NULL ELSE dropped END WHERE dict = NEW.dict;
  IF (head.number + 1) % ${LOG.every} = 0 THEN
    DELETE FROM ${its.changes} WHERE dict = NEW.dict AND (number <= head.number + 1 - ${LOG.commits} OR bytes <= logged - ${LOG.bytes});
  END IF;
  PERFORM pg_notify('durabledict_' || left(encode(sha256(convert_to(NEW.dict, 'UTF8')), 'hex'), 32), '');
  RETURN NULL;
END
`
