-- Commits one value of one key, without conditions, as durabledict_commit_1 does, with fewer statements. If anything else was committed
-- since the caller's version, it leaves the work to that function.
--
-- plain, encoded: the columns of the value. after: what the history says of it. effect: what the log says. seen: the caller's version.
-- request: the same for durabledict_commit_1.
CREATE OR REPLACE FUNCTION @schema@.durabledict_set_1(
  dict text, its_key text, plain text, encoded_text text, after text, effect text, note text, author text, why text, way text,
  id text, next_nonce text, wait text, seen_epoch text, seen_number bigint, request text
) RETURNS TABLE (
  h_format integer, h_epoch text, h_number bigint, h_nonce text, h_bound double precision, h_outcomes text, h_changes text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  head record;
BEGIN
  SELECT set_config('lock_timeout', wait, true), set_config('durabledict.writer', dict, true),
      -- Waits for whoever edits the row before it takes the lock of the head, which blocks all writers.
      (SELECT e.key FROM @schema@.durabledict_entries e WHERE e.dictionary = dict AND e.key = its_key FOR NO KEY UPDATE) INTO head;
  SELECT h.*, coalesce(h.keep, 1000) AS most INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = dict FOR UPDATE;
  -- After a restore, another version may have that number: the request has the nonce of the caller's version.
  IF head.epoch IS DISTINCT FROM seen_epoch OR head.number <> seen_number OR strpos(request, head.nonce) = 0 OR head.format <> 1 OR current_setting('client_encoding') <> 'UTF8' THEN
    RETURN QUERY SELECT * FROM @schema@.durabledict_commit_1(request::json);
    RETURN;
  END IF;
  RETURN QUERY WITH old AS (
    SELECT @schema@.durabledict_side_1(e.value, e.encoded) AS side FROM @schema@.durabledict_entries e
    WHERE e.dictionary = dict AND e.key = its_key
  ), written AS (
    INSERT INTO @schema@.durabledict_entries (dictionary, key, value, encoded) VALUES (dict, its_key, plain::jsonb, encoded_text)
    ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value, encoded = excluded.encoded
  ), recorded AS (
    INSERT INTO @schema@.durabledict_commits
      (dictionary, position, format, number, nonce, at, author, reason, via, keys, changes)
    SELECT dict, head.position + 1, 1, head.number + 1, next_nonce, clock_timestamp(), author, why, way, ARRAY[its_key],
      ('[[' || to_json(its_key)::text || ',' || coalesce((SELECT old.side FROM old), 'null') || ',' || after || ']]')::json
    WHERE head.most > 0
    ON CONFLICT (dictionary, position) DO UPDATE SET format = excluded.format, number = excluded.number, nonce = excluded.nonce,
      at = excluded.at, author = excluded.author, reason = excluded.reason, via = excluded.via, keys = excluded.keys,
      changes = excluded.changes
  ), logged AS (
    INSERT INTO @schema@.durabledict_changes
      (dictionary, number, format, nonce, previous, batch, keys, effects, notes, outcomes, bytes)
    VALUES (dict, head.number + 1, 1, next_nonce, head.nonce, id, ARRAY[its_key], effect, note, '[[0]]', head.bytes + length(effect))
    ON CONFLICT (dictionary, number) DO UPDATE SET format = excluded.format, nonce = excluded.nonce, previous = excluded.previous,
      batch = excluded.batch, keys = excluded.keys, effects = excluded.effects, notes = excluded.notes,
      outcomes = excluded.outcomes, bytes = excluded.bytes
  ), moved AS (
    -- Without a history, nothing before the next commit is known.
    UPDATE @schema@.durabledict_heads h SET number = head.number + 1, nonce = next_nonce, bytes = head.bytes + length(effect),
      position = CASE WHEN head.most > 0 THEN h.position + 1 ELSE greatest(h.position, 1) END,
      floor = CASE WHEN head.most > 0 THEN h.floor ELSE greatest(h.position, 1) END,
      gone = CASE WHEN head.most > 0 THEN h.gone ELSE greatest(h.position, 1) END
    WHERE h.dictionary = dict
  )
  SELECT head.format, head.epoch, head.number + 1, next_nonce, head.bound, '[[0]]'::text, made.changes
  FROM (SELECT json_build_array(json_build_array((head.number + 1)::text, next_nonce, head.nonce, id, effect, note))::text AS changes) made,
    LATERAL (SELECT @schema@.durabledict_push_1(dict, head.epoch, made.changes)) pushed;
  IF head.most > 0 AND ((head.position + 1) % 64 = 0
      OR head.position + 1 - head.gone > head.most + CASE WHEN head.most >= 100 THEN head.most / 8 ELSE 0 END) THEN
    PERFORM @schema@.durabledict_trim_1(dict, false);
  END IF;
  IF (head.number + 1) % 64 = 0 THEN
    DELETE FROM @schema@.durabledict_changes c WHERE c.dictionary = dict
      AND (c.number <= head.number + 1 - 10000 OR c.bytes <= head.bytes + length(effect) - 8388608);
  END IF;
  PERFORM set_config('durabledict.writer', '', true);
END
$durabledict$;
