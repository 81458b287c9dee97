-- The changes of the log after a number, up to that of the head, as a list of [number, nonce, previous, batch, effects, notes]. It sees
-- the state of the statement that calls it, and is called only if the dictionary has changed.
CREATE OR REPLACE FUNCTION @schema@.durabledict_since_1(dict text, after bigint, last bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $durabledict$
BEGIN
  RETURN (
    SELECT json_agg(json_build_array(c.number::text, c.nonce, c.previous, c.batch, c.effects, c.notes) ORDER BY c.number)::text
    FROM (
      SELECT * FROM @schema@.durabledict_changes l WHERE l.dictionary = dict AND l.number > after AND l.number <= last
      ORDER BY l.number LIMIT 10064
    ) c
  );
END
$durabledict$;
