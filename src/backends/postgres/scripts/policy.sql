-- Records how much history every writer keeps, and applies it. keep_commits: 0 for none.
CREATE OR REPLACE FUNCTION @schema@.durabledict_policy_1(dict text, keep_commits integer, keep_days double precision, wait text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
BEGIN
  PERFORM set_config('lock_timeout', wait, true);
  UPDATE @schema@.durabledict_heads h SET keep = keep_commits, days = keep_days WHERE h.dictionary = dict;
  IF keep_commits > 0 THEN
    PERFORM @schema@.durabledict_trim_1(dict, true);
    RETURN;
  END IF;
  DELETE FROM @schema@.durabledict_commits c WHERE c.dictionary = dict;
  UPDATE @schema@.durabledict_heads h SET floor = position, gone = position, dropped = NULL WHERE h.dictionary = dict;
END
$durabledict$;
