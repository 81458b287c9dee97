-- Drops the commits that the policy does not keep. The caller has locked the head. The oldest of the key with the most commits of
-- its own goes first, so that a key that is rewritten every second does not evict the rare changes of others.
--
-- everything: look at all commits. Otherwise, unless there are too many, only at the oldest ones for their age.
CREATE OR REPLACE FUNCTION @schema@.durabledict_trim_1(dict text, everything boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  head @schema@.durabledict_heads;
  most bigint;
  is_whole boolean;
  surplus bigint;
  first_young bigint;
  oldest_kept bigint;
  lost bigint[];
  kept bigint;
  next_floor bigint;
  lost_by_key jsonb;
BEGIN
  SELECT * INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = dict;
  most := coalesce(head.keep, 1000);
  is_whole := everything OR head.position - head.gone > most;
  SELECT min(position) FILTER (WHERE at >= clock_timestamp() - make_interval(secs => least(coalesce(head.days, 90), 100000) * 86400)),
      min(position), count(*) INTO first_young, oldest_kept, surplus
    FROM (SELECT position, at FROM @schema@.durabledict_commits c WHERE c.dictionary = dict AND c.position > head.floor
      ORDER BY position LIMIT CASE WHEN is_whole THEN NULL ELSE 1000 END) oldest;
  IF surplus = 0 OR (first_young = oldest_kept AND NOT is_whole) THEN
    RETURN;
  END IF;
  -- Ranks the commits of each key from the newest on: those of the longest queues go first, then the oldest.
  WITH oldest AS (
    SELECT c.position, CASE WHEN cardinality(c.keys) = 1 THEN c.keys[1] END AS key, c.position >= first_young AS is_young
    FROM @schema@.durabledict_commits c WHERE c.dictionary = dict AND c.position > head.floor
    ORDER BY c.position LIMIT CASE WHEN is_whole THEN NULL ELSE 1000 END
  ), ranked AS (
    SELECT position, CASE WHEN key IS NULL THEN 1 ELSE row_number() OVER (PARTITION BY key ORDER BY position DESC) END AS rank
    FROM oldest WHERE is_young
  ), doomed AS (
    SELECT position FROM (SELECT position, row_number() OVER (ORDER BY rank DESC, position) AS place, count(*) OVER () AS total FROM ranked) placed
    WHERE is_whole AND place <= total - most
    UNION ALL SELECT position FROM oldest WHERE is_young IS NOT TRUE
  ), floors AS (
    SELECT coalesce((SELECT max(position) FROM oldest WHERE position < (SELECT min(position) FROM oldest WHERE position NOT IN (SELECT position FROM doomed))),
      CASE WHEN (SELECT count(*) FROM doomed) = (SELECT count(*) FROM oldest) THEN (SELECT max(position) FROM oldest) END, head.floor) AS value
  )
  SELECT (SELECT array_agg(position) FROM doomed), greatest(head.floor, floors.value),
      (SELECT jsonb_object_agg(key, position) FROM (SELECT key, max(position) AS position FROM (
          SELECT key, position FROM oldest WHERE key IS NOT NULL AND position IN (SELECT position FROM doomed)
          UNION ALL SELECT k, v::bigint FROM jsonb_each_text(head.dropped) AS d(k, v)
        ) both_of GROUP BY key) latest WHERE position > floors.value)
    INTO lost, next_floor, lost_by_key FROM floors;
  DELETE FROM @schema@.durabledict_commits c WHERE c.dictionary = dict AND (c.position <= next_floor OR c.position = ANY(lost));
  IF is_whole THEN
    SELECT count(*) INTO kept FROM @schema@.durabledict_commits c WHERE c.dictionary = dict AND c.position > next_floor;
    head.gone := head.position - kept;
  ELSE
    head.gone := head.gone + coalesce(cardinality(lost), 0);
  END IF;
  UPDATE @schema@.durabledict_heads h SET floor = next_floor, gone = head.gone, dropped = lost_by_key WHERE h.dictionary = dict;
END
$durabledict$;
