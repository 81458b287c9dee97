-- Notifies the listeners of a dictionary. Only those who may read its epoch know the channel, because it passes values.
--
-- changes: a list with one change, as durabledict_since_1 returns it. It is passed on if it is short, and of ASCII alone: then the encoding of
-- the connections does not matter. Otherwise listeners ask for it.
CREATE OR REPLACE FUNCTION @schema@.durabledict_push_1(dict text, epoch text, changes text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $durabledict$
  SELECT pg_notify('durabledict_' || substr(encode(sha256(convert_to(epoch || ' ' || dict, 'UTF8')), 'hex'), 1, 32),
    CASE WHEN octet_length(changes) < 7900 AND changes !~ '[^\x01-\x7f]' THEN changes ELSE '' END)
$durabledict$;
