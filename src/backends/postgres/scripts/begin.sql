-- Creates the head of a dictionary, unless there is one. Its history is complete only if the dictionary is empty.
CREATE OR REPLACE FUNCTION @schema@.durabledict_begin_1(dict text, new_epoch text, new_nonce text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $durabledict$
  INSERT INTO @schema@.durabledict_heads
    (dictionary, format, epoch, number, nonce, bytes, bound, history_epoch, position, floor, gone)
  SELECT dict, 1, new_epoch, 0, new_nonce, 0, 0, new_epoch, past, past, past
  FROM (SELECT EXISTS (SELECT FROM @schema@.durabledict_entries e WHERE e.dictionary = dict)::integer AS past) known
  ON CONFLICT DO NOTHING;
  -- Those who follow the dictionary learn of its new epoch.
  SELECT pg_notify('durabledict_' || substr(encode(sha256(convert_to(dict, 'UTF8')), 'hex'), 1, 32), '');
$durabledict$;
