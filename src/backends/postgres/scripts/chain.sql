-- The body of a trigger function: makes one change of what a transaction has edited by statements of its own, as noted for NEW.dict
-- and NEW.tx. It runs when the transaction commits, so that the head is locked from then on only.
DECLARE
  head @schema@.durabledict_heads;
  done record;
  is_whole boolean;
  token CONSTANT text := substr(encode(sha256(convert_to(random()::text || clock_timestamp()::text || txid_current()::text || random()::text, 'UTF8')), 'hex'), 1, 24);
  author text := coalesce(nullif(current_setting('durabledict.by', true), ''), session_user::text);
  why text := nullif(current_setting('durabledict.reason', true), '');
  most bigint;
  is_due boolean := false;
BEGIN
  PERFORM set_config('durabledict.edits_' || md5(NEW.dict), '', true);
  author := CASE WHEN octet_length(author) > 256 THEN left(author, 64) ELSE author END;
  why := CASE WHEN octet_length(why) > 1024 THEN left(why, 256) ELSE why END;
  -- A note keeps what the history says of a row: see durabledict_side_1.
  WITH noted AS (
    DELETE FROM @schema@.durabledict_edits e WHERE e.dict = NEW.dict AND e.tx = NEW.tx
    RETURNING e.key, e.type, e.existed, e.before, e.present, e.after
  )
  SELECT count(*) AS total, bool_or(type = 'all' OR after = '{"damaged":true}') AS is_whole, array_agg(key ORDER BY key) AS keys,
      '[' || string_agg(CASE WHEN NOT present THEN '["delete",' || to_json(key)::text || ']'
        WHEN left(after, 8) = '{"json":' THEN '["json",' || to_json(key)::text || ',' || substr(after, 9, length(after) - 9) || ']'
        ELSE '["set",' || to_json(key)::text || ',' || after || ']' END, ',' ORDER BY key) || ']' AS effects,
      '[' || string_agg('[' || to_json(key)::text || ',' || CASE WHEN existed THEN coalesce(before, 'null') ELSE 'null' END || ','
        || CASE WHEN present THEN coalesce(after, 'null') ELSE 'null' END || ']', ',' ORDER BY key) || ']' AS changes
    INTO done FROM noted WHERE type = 'all' OR existed <> present OR before IS DISTINCT FROM after;
  IF done.total = 0 THEN
    RETURN NULL;
  END IF;
  SELECT * INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = NEW.dict FOR UPDATE;
  -- Nobody has opened the dictionary yet, or a later release has.
  IF NOT FOUND OR head.format <> 1 THEN
    RETURN NULL;
  END IF;
  is_whole := coalesce(done.is_whole, false) OR length(done.effects) > 8388608;
  most := coalesce(head.keep, 1000);
  IF is_whole THEN
    -- Nobody knows what it was that changed: the history begins again.
    DELETE FROM @schema@.durabledict_commits c WHERE c.dictionary = NEW.dict;
    head.position := greatest(head.position, 1);
    head.floor := head.position;
    head.gone := head.position;
  ELSIF most > 0 THEN
    head.position := head.position + 1;
    INSERT INTO @schema@.durabledict_commits
        (dictionary, position, format, number, nonce, at, author, reason, via, keys, changes)
      VALUES (NEW.dict, head.position, 1, head.number + 1, token, clock_timestamp(), author, why, 'sql', done.keys, done.changes::json)
      ON CONFLICT (dictionary, position) DO UPDATE SET format = excluded.format, number = excluded.number, nonce = excluded.nonce,
        at = excluded.at, author = excluded.author, reason = excluded.reason, via = excluded.via, keys = excluded.keys,
        changes = excluded.changes;
    is_due := head.position % 64 = 0 OR head.position - head.gone > most + CASE WHEN most >= 100 THEN most / 8 ELSE 0 END;
  END IF;
  PERFORM @schema@.durabledict_advance_1(head, token, 'sql-' || token, CASE WHEN NOT is_whole THEN done.keys END,
    CASE WHEN NOT is_whole THEN done.effects END,
    CASE WHEN NOT is_whole THEN '{"format":1,"notes":[' || json_strip_nulls(json_build_object('effects', done.total, 'by', author,
      'reason', why, 'via', 'sql'))::text || ']}' END, NULL, is_due);
  RETURN NULL;
END
