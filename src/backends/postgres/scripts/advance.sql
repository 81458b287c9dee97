-- Logs a change, moves the head, whose row the caller has locked, and notifies listeners.
--
-- head: with the position of the newest commit. touched: NULL if every key was. trims: whether it is time to drop commits.
CREATE OR REPLACE FUNCTION @schema@.durabledict_advance_1(
  head @schema@.durabledict_heads, next_nonce text, id text, touched text[], effects text, notes text, outcomes text, trims boolean
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  dict CONSTANT text := head.dictionary;
  next CONSTANT bigint := head.number + 1;
  size CONSTANT bigint := coalesce(length(effects), 0);
  too_large CONSTANT boolean := size > 8388608;
  logged CONSTANT bigint := head.bytes + CASE WHEN too_large THEN 0 ELSE size END;
BEGIN
  INSERT INTO @schema@.durabledict_changes
      (dictionary, number, format, nonce, previous, batch, keys, effects, notes, outcomes, bytes)
    VALUES (dict, next, 1, next_nonce, head.nonce, id, touched, CASE WHEN NOT too_large THEN effects END, notes, outcomes, logged)
    ON CONFLICT (dictionary, number) DO UPDATE SET format = excluded.format, nonce = excluded.nonce, previous = excluded.previous,
      batch = excluded.batch, keys = excluded.keys, effects = excluded.effects, notes = excluded.notes,
      outcomes = excluded.outcomes, bytes = excluded.bytes;
  IF head.keep = 0 THEN
    -- Nothing before the next commit is known.
    head.position := greatest(head.position, 1);
    head.floor := head.position;
    head.gone := head.position;
  END IF;
  UPDATE @schema@.durabledict_heads h SET number = next, nonce = next_nonce, bytes = logged, position = head.position,
    floor = head.floor, gone = head.gone WHERE h.dictionary = dict;
  IF trims THEN
    PERFORM @schema@.durabledict_trim_1(dict, false);
  END IF;
  IF next % 64 = 0 THEN
    DELETE FROM @schema@.durabledict_changes c
      WHERE c.dictionary = dict AND (c.number <= next - 10000 OR c.bytes <= logged - 8388608);
  END IF;
  PERFORM @schema@.durabledict_push_1(dict, head.epoch, CASE WHEN size <= 8000 AND effects IS NOT NULL THEN
    json_build_array(json_build_array(next::text, next_nonce, head.nonce, id, effects, notes))::text END);
END
$durabledict$;
