-- Executes a batch of groups: conditions, entries, change log, history and head, in the transaction of the calling statement.
--
-- request: {
--   dictionary, batch, nonce, epoch (of a new head), wait (for a lock, in ms), keys: those of the operations, if there are few,
--   since: [epoch, number, nonce]: what the caller knows, from where changes are returned,
--   seen: [epoch, number, nonce]: a version before the first attempt, again: whether there was an attempt before,
--   acknowledge: whether replicas are to acknowledge the change; with an empty group there is one in any case,
--   groups: [{ version, unchanged: [[epoch, number, nonce, [key, ...]], ...], by, reason, via, operations: [[type, key, json, text], ...],
--     many: whether these are many operations on different keys, without touch and clear }]
-- }
-- Returns the head, the outcomes, and the changes since: see durabledict_since_1. outcomes has null for a group with a conflict, else a list of results.
CREATE OR REPLACE FUNCTION @schema@.durabledict_commit_1(request json)
RETURNS TABLE (
  h_format integer, h_epoch text, h_number bigint, h_nonce text, h_bound double precision, h_outcomes text, h_changes text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  dict CONSTANT text := request->>'dictionary';
  id CONSTANT text := request->>'batch';
  is_retry CONSTANT boolean := coalesce((request->>'again')::boolean, false);
  seen_epoch CONSTANT text := request->'seen'->>0;
  seen_number CONSTANT bigint := (request->'seen'->>1)::bigint;
  seen_nonce CONSTANT text := request->'seen'->>2;
  next_nonce CONSTANT text := request->>'nonce';
  asks CONSTANT boolean := coalesce((request->>'acknowledge')::boolean, false);
  head @schema@.durabledict_heads;
  earlier @schema@.durabledict_changes;
  old @schema@.durabledict_entries;
  part json;
  condition json;
  step json;
  kind text;
  its_key text;
  plain text;
  encoded_text text;
  side text;
  holds boolean;
  follows boolean;
  found_all bigint;
  touched text[] := '{}';
  is_cleared boolean := false;
  effects text[] := '{}';
  before_group integer;
  results text[];
  answers text[] := '{}';
  notes text[] := '{}';
  says boolean := false;
  j_keys text[];
  j_before text[];
  j_after text[];
  c_keys text[];
  c_before text[];
  records boolean;
  is_due boolean := false;
  text_of_effects text;
  all_changes text;
BEGIN
  IF current_setting('client_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION '%', current_setting('client_encoding') USING ERRCODE = 'DD003';
  END IF;
  PERFORM set_config('lock_timeout', request->>'wait', true), set_config('durabledict.writer', dict, true);
  -- Waits for whoever edits these rows before it takes the lock of the head, which blocks all writers.
  PERFORM FROM @schema@.durabledict_entries e WHERE e.dictionary = dict AND e.key = ANY(ARRAY(SELECT json_array_elements_text(request->'keys')))
    ORDER BY e.key FOR NO KEY UPDATE;
  SELECT * INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = dict FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM @schema@.durabledict_begin_1(dict, request->>'epoch', next_nonce);
    SELECT * INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = dict FOR UPDATE;
  END IF;
  IF head.format > 1 THEN
    RAISE EXCEPTION 'The tables have format %.', head.format USING ERRCODE = 'DD001';
  END IF;

  -- An attempt whose answer was lost may have been executed, or may be executed later: each looks for the other.
  IF head.epoch IS DISTINCT FROM seen_epoch THEN
    IF is_retry THEN
      RAISE EXCEPTION 'The dictionary was created again.' USING ERRCODE = 'DD002';
    END IF;
  ELSIF head.number <> seen_number OR head.nonce <> coalesce(seen_nonce, head.nonce) THEN
    -- If a backup was restored since, the log does not continue what was seen: the other attempt may be anywhere in it.
    follows := head.number > seen_number AND NOT EXISTS (SELECT FROM @schema@.durabledict_changes c
      WHERE c.dictionary = dict AND c.number = seen_number + 1 AND c.previous <> seen_nonce);
    SELECT * INTO earlier FROM @schema@.durabledict_changes c
      WHERE c.dictionary = dict AND c.number <= head.number AND (c.number > seen_number OR NOT follows) AND c.batch = id LIMIT 1;
    IF NOT FOUND AND is_retry THEN
      SELECT count(*) INTO found_all FROM @schema@.durabledict_changes c
        WHERE c.dictionary = dict AND c.number > seen_number AND c.number <= head.number;
      IF NOT follows OR found_all < head.number - seen_number THEN
        RAISE EXCEPTION 'The log does not reach back to the first attempt.' USING ERRCODE = 'DD002';
      END IF;
    ELSIF NOT FOUND AND (NOT follows OR NOT EXISTS (SELECT FROM @schema@.durabledict_changes c WHERE c.dictionary = dict AND c.number = seen_number + 1)) THEN
      -- The first attempt, perhaps so late that the second one is not in the log any more.
      RAISE EXCEPTION 'The log does not reach back to what was seen.' USING ERRCODE = 'DD004';
    END IF;
  END IF;

  IF earlier.batch IS NOT NULL THEN
    answers := ARRAY(SELECT o::text FROM json_array_elements(earlier.outcomes::json) o);
  ELSE
    records := coalesce(head.keep, 1000) > 0;
    FOR part IN SELECT g FROM json_array_elements(request->'groups') g LOOP
      holds := part->>'version' IS NULL
        OR (cardinality(effects) = 0 AND part->>'version' = concat_ws('-', head.number, head.epoch, head.nonce));
      FOR condition IN SELECT c FROM json_array_elements(part->'unchanged') c LOOP
        EXIT WHEN NOT holds;
        c_keys := ARRAY(SELECT json_array_elements_text(condition->3));
        holds := NOT is_cleared AND NOT touched && c_keys AND condition->>0 = head.epoch;
        IF holds AND (condition->>1)::bigint = head.number THEN
          holds := condition->>2 = head.nonce;
        ELSIF holds THEN
          -- Also false if a change in between is not logged any more.
          SELECT count(*) = head.number - (condition->>1)::bigint
              AND bool_or(c.number = (condition->>1)::bigint + 1 AND c.previous = condition->>2)
              AND NOT bool_or(c.keys IS NULL OR c.keys && c_keys)
            INTO holds FROM @schema@.durabledict_changes c
            WHERE c.dictionary = dict AND c.number > (condition->>1)::bigint AND c.number <= head.number;
          holds := coalesce(holds, false);
        END IF;
      END LOOP;
      IF NOT holds THEN
        answers := answers || 'null'::text;
        CONTINUE;
      END IF;

      before_group := cardinality(effects);
      results := '{}';
      j_keys := '{}';
      j_before := '{}';
      j_after := '{}';
      -- Many operations on different keys are executed by one statement.
      IF (part->>'many')::boolean THEN
        WITH given AS MATERIALIZED (
          SELECT o->>0 AS kind, o->>1 AS key, o->>2 AS plain, o->>3 AS encoded, n
          FROM json_array_elements(part->'operations') WITH ORDINALITY AS x(o, n)
        ), found AS MATERIALIZED (
          SELECT g.*, e.key IS NOT NULL AS existed,
            CASE WHEN e.key IS NULL THEN 'null' ELSE @schema@.durabledict_side_1(e.value, e.encoded) END AS side
          FROM given g LEFT JOIN @schema@.durabledict_entries e ON e.dictionary = dict AND e.key = g.key
        ), known AS MATERIALIZED (
          SELECT f.*, kind = 'set' OR (kind = 'default' AND NOT existed) AS writes,
            existed AND (kind = 'delete' OR (kind = 'pop' AND side <> '{"damaged":true}')) AS removes,
            CASE WHEN encoded IS NULL THEN '{"json":' || plain || '}' ELSE to_json(encoded)::text END AS after
          FROM found f
        ), written AS (
          INSERT INTO @schema@.durabledict_entries AS e (dictionary, key, value, encoded)
          SELECT dict, k.key, k.plain::jsonb, k.encoded FROM known k WHERE k.writes
          ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value, encoded = excluded.encoded
        ), removed AS (
          DELETE FROM @schema@.durabledict_entries e USING known k WHERE e.dictionary = dict AND e.key = k.key AND k.removes
        )
        SELECT coalesce(array_agg(k.key ORDER BY n) FILTER (WHERE writes OR removes), '{}'),
            coalesce(array_agg(k.side ORDER BY n) FILTER (WHERE writes OR removes), '{}'),
            coalesce(array_agg(CASE WHEN writes THEN k.after ELSE 'null' END ORDER BY n) FILTER (WHERE writes OR removes), '{}'),
            effects || coalesce(array_agg(CASE WHEN removes THEN '["delete",' || to_json(k.key)::text || ']'
              ELSE '["set",' || to_json(k.key)::text || ',' || to_json(coalesce(k.encoded, k.plain))::text || ']' END ORDER BY n)
              FILTER (WHERE writes OR removes), '{}'),
            array_agg(CASE kind WHEN 'set' THEN '0' WHEN 'delete' THEN existed::text ELSE k.side END ORDER BY n)
          INTO j_keys, j_before, j_after, effects, results FROM known k;
        touched := touched || j_keys;
      END IF;
      FOR step IN SELECT o FROM json_array_elements(CASE WHEN (part->>'many')::boolean THEN '[]' ELSE part->'operations' END) o LOOP
        kind := step->>0;
        its_key := step->>1;
        IF kind = 'clear' THEN
          IF records THEN
            SELECT coalesce(array_agg(e.key ORDER BY e.key), '{}'),
                coalesce(array_agg(@schema@.durabledict_side_1(e.value, e.encoded) ORDER BY e.key), '{}')
              INTO c_keys, c_before FROM @schema@.durabledict_entries e WHERE e.dictionary = dict;
            j_keys := j_keys || c_keys;
            j_before := j_before || c_before;
            j_after := j_after || array_fill('null'::text, ARRAY[cardinality(c_keys)]);
          END IF;
          DELETE FROM @schema@.durabledict_entries e WHERE e.dictionary = dict;
          IF FOUND THEN
            effects := effects || '["clear"]'::text;
            is_cleared := true;
          END IF;
          results := results || '0'::text;
          CONTINUE;
        END IF;

        old := NULL;
        IF kind <> 'set' OR records THEN
          SELECT * INTO old FROM @schema@.durabledict_entries e WHERE e.dictionary = dict AND e.key = its_key;
        END IF;
        side := CASE WHEN old.key IS NULL THEN 'null' ELSE @schema@.durabledict_side_1(old.value, old.encoded) END;
        IF kind = 'set' OR (kind = 'default' AND old.key IS NULL) THEN
          plain := step->>2;
          encoded_text := step->>3;
          INSERT INTO @schema@.durabledict_entries AS e (dictionary, key, value, encoded)
            VALUES (dict, its_key, plain::jsonb, encoded_text)
            ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value, encoded = excluded.encoded;
          text_of_effects := to_json(coalesce(encoded_text, plain))::text;
          effects := effects || ('["set",' || to_json(its_key)::text || ',' || text_of_effects || ']');
          results := results || (CASE kind WHEN 'set' THEN '0' ELSE 'null' END);
          j_after := j_after || CASE WHEN encoded_text IS NULL THEN '{"json":' || plain || '}' ELSE text_of_effects END;
        ELSIF kind = 'default' OR (kind = 'pop' AND (old.key IS NULL OR side = '{"damaged":true}')) THEN
          results := results || side;
          CONTINUE;
        ELSIF kind = 'touch' THEN
          results := results || '0'::text;
          CONTINUE WHEN side = '{"damaged":true}';
          effects := effects || CASE
            WHEN old.key IS NULL THEN '["delete",' || to_json(its_key)::text || ']'
            WHEN old.encoded IS NULL THEN '["json",' || to_json(its_key)::text || ',' || old.value::text || ']'
            ELSE '["set",' || to_json(its_key)::text || ',' || to_json(old.encoded)::text || ']' END;
          j_after := j_after || side;
          side := coalesce(to_json(step->>2)::text, 'null');
        ELSE
          results := results || CASE WHEN kind = 'pop' THEN side WHEN old.key IS NULL THEN 'false' ELSE 'true' END;
          CONTINUE WHEN old.key IS NULL;
          DELETE FROM @schema@.durabledict_entries e WHERE e.dictionary = dict AND e.key = its_key;
          effects := effects || ('["delete",' || to_json(its_key)::text || ']');
          j_after := j_after || 'null'::text;
        END IF;
        touched := touched || its_key;
        j_keys := j_keys || its_key;
        j_before := j_before || side;
      END LOOP;
      answers := answers || ('[' || array_to_string(results, ',') || ']');
      CONTINUE WHEN cardinality(effects) = before_group;

      says := says OR part->>'by' IS NOT NULL OR part->>'reason' IS NOT NULL OR coalesce(part->>'via', 'library') <> 'library';
      notes := notes || json_strip_nulls(json_build_object('effects', cardinality(effects) - before_group,
        'by', part->>'by', 'reason', part->>'reason', 'via', nullif(part->>'via', 'library')))::text;
      IF records THEN
        IF cardinality(j_keys) = 1 THEN
          all_changes := '[[' || to_json(j_keys[1])::text || ',' || j_before[1] || ',' || j_after[1] || ']]';
        ELSE
          -- Several operations on a key are one change of it.
          SELECT array_agg(k ORDER BY o), '[' || string_agg('[' || to_json(k)::text || ',' || b || ',' || a || ']', ',' ORDER BY o) || ']'
            INTO j_keys, all_changes
            FROM (SELECT k, min(o) AS o, (array_agg(b ORDER BY o))[1] AS b, (array_agg(a ORDER BY o DESC))[1] AS a
              FROM unnest(j_keys, j_before, j_after) WITH ORDINALITY AS j(k, b, a, o) GROUP BY k) once;
        END IF;
        head.position := head.position + 1;
        INSERT INTO @schema@.durabledict_commits
            (dictionary, position, format, number, nonce, at, author, reason, via, keys, changes)
          VALUES (dict, head.position, 1, head.number + 1, next_nonce, clock_timestamp(), part->>'by', part->>'reason',
            coalesce(part->>'via', 'library'), j_keys, all_changes::json)
          ON CONFLICT (dictionary, position) DO UPDATE SET format = excluded.format, number = excluded.number, nonce = excluded.nonce,
            at = excluded.at, author = excluded.author, reason = excluded.reason, via = excluded.via, keys = excluded.keys,
            changes = excluded.changes;
        is_due := is_due OR head.position % 64 = 0
          OR head.position - head.gone > coalesce(head.keep, 1000) + CASE WHEN coalesce(head.keep, 1000) >= 100 THEN coalesce(head.keep, 1000) / 8 ELSE 0 END;
      END IF;
    END LOOP;

    -- A second attempt leaves a change even without effect, so that the first one is not executed after it. A group without operations
    -- and conditions asks for acknowledgements only.
    IF cardinality(effects) > 0 OR is_retry OR asks AND EXISTS (SELECT FROM json_array_elements(request->'groups') g
        WHERE g->>'version' IS NULL AND json_array_length(g->'unchanged') = 0 AND json_array_length(g->'operations') = 0) THEN
      text_of_effects := '[' || array_to_string(effects, ',') || ']';
      PERFORM @schema@.durabledict_advance_1(head, next_nonce, id, CASE WHEN is_cleared THEN NULL ELSE touched END, text_of_effects,
        CASE WHEN says OR asks THEN '{"format":1' || CASE WHEN says THEN ',"notes":[' || array_to_string(notes, ',') || ']' ELSE '' END
          || CASE WHEN asks THEN ',"acknowledge":true' ELSE '' END || '}' END,
        '[' || array_to_string(answers, ',') || ']', is_due);
      head.number := head.number + 1;
      head.nonce := next_nonce;
    END IF;
  END IF;

  -- What follows in the same transaction is not a write of the library.
  PERFORM set_config('durabledict.writer', '', true);
  RETURN QUERY SELECT head.format, head.epoch, head.number, head.nonce, head.bound, '[' || array_to_string(answers, ',') || ']',
    CASE WHEN request->'since'->>0 = head.epoch AND (request->'since'->>1)::bigint < head.number THEN
      @schema@.durabledict_since_1(dict, (request->'since'->>1)::bigint, head.number) END;
END
$durabledict$;
