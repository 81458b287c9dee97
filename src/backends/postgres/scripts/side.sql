-- What a row holds, as the history says it.
CREATE OR REPLACE FUNCTION @schema@.durabledict_side_1(value jsonb, encoded text) RETURNS text
LANGUAGE sql STABLE AS $durabledict$
  SELECT CASE WHEN encoded IS NOT NULL THEN to_json(encoded)::text WHEN value IS NULL THEN '{"damaged":true}'
    ELSE '{"json":' || value::text || '}' END
$durabledict$;
