-- One row for each open dictionary of a process. record says in JSON who it is; version is what it holds, and bound for how long it
-- relies on memory, in milliseconds. renewed is in milliseconds since 1970, and a row that was not renewed for ttl expires. renewal is
-- another one after each renewal. The row with the id '' is about the dictionary: bound is the part of the recorded bound that these
-- rows cover, and unregistered the largest bound of replicas without a row.
CREATE TABLE IF NOT EXISTS @schema@.durabledict_replicas (
  dictionary text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  format integer NOT NULL,
  record text NOT NULL,
  version text,
  bound double precision NOT NULL,
  unregistered double precision NOT NULL DEFAULT 0,
  ttl bigint NOT NULL,
  renewed bigint NOT NULL,
  renewal text NOT NULL,
  PRIMARY KEY (dictionary, id)
);

-- The record of a row; of the row about the dictionary, which part of the recorded bound the others cover. NULL: it is too long.
CREATE OR REPLACE FUNCTION @schema@.durabledict_record_1(r @schema@.durabledict_replicas) RETURNS text
LANGUAGE sql STABLE AS $durabledict$
  SELECT CASE WHEN r.id = '' THEN json_build_object('covered', r.bound, 'unregistered', r.unregistered)::text
    WHEN length(r.record) <= 4096 THEN r.record END
$durabledict$;

-- All rows of a dictionary, with the recorded bound; one without an id if there is none. It sees the state of the statement that calls it.
CREATE OR REPLACE FUNCTION @schema@.durabledict_registry_1(dict text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $durabledict$
BEGIN
  RETURN (
    SELECT json_agg(json_build_object('recorded', h.bound, 'id', r.id, 'format', r.format, 'record', @schema@.durabledict_record_1(r),
      'version', r.version, 'bound', r.bound, 'renewed', r.renewed, 'at', (date_part('epoch', clock_timestamp()) * 1000)::bigint))::text
    FROM @schema@.durabledict_heads h LEFT JOIN @schema@.durabledict_replicas r ON r.dictionary = h.dictionary WHERE h.dictionary = dict
  );
END
$durabledict$;

-- Locks the head of a dictionary, which every commit locks, and returns which bounds are known: recorded, covered, unregistered.
CREATE OR REPLACE FUNCTION @schema@.durabledict_bounds_1(
  dict text, wait text, new_epoch text, new_nonce text, OUT recorded double precision, OUT covered double precision, OUT unregistered double precision
) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  head @schema@.durabledict_heads;
  about @schema@.durabledict_replicas;
BEGIN
  PERFORM set_config('lock_timeout', wait, true), @schema@.durabledict_begin_1(dict, new_epoch, new_nonce);
  SELECT * INTO head FROM @schema@.durabledict_heads h WHERE h.dictionary = dict FOR UPDATE;
  IF head.format > 1 THEN
    RAISE EXCEPTION 'The tables have format %.', head.format USING ERRCODE = 'DD001';
  END IF;
  SELECT * INTO about FROM @schema@.durabledict_replicas r WHERE r.dictionary = dict AND r.id = '';
  recorded := head.bound;
  covered := coalesce(about.bound, 0);
  unregistered := coalesce(about.unregistered, 0);
END
$durabledict$;

-- Records bounds. The caller has locked the head. It is written in any case: a commit of a transaction whose snapshot is older, and
-- does not see a new row, then fails and is repeated.
CREATE OR REPLACE FUNCTION @schema@.durabledict_rebound_1(
  dict text, recorded double precision, covered double precision, outside double precision
) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $durabledict$
  UPDATE @schema@.durabledict_heads h SET bound = recorded WHERE h.dictionary = dict;
  INSERT INTO @schema@.durabledict_replicas AS r (dictionary, id, format, record, bound, unregistered, ttl, renewed, renewal)
    SELECT dict, '', 1, '', covered, outside, 0, 0, '' WHERE covered > 0 OR outside > 0
      OR EXISTS (SELECT FROM @schema@.durabledict_replicas s WHERE s.dictionary = dict AND s.id = '')
    ON CONFLICT (dictionary, id) DO UPDATE SET bound = excluded.bound, unregistered = excluded.unregistered
    WHERE r.bound <> excluded.bound OR r.unregistered <> excluded.unregistered;
$durabledict$;

-- Writes the row of a replica. A larger bound that nothing covers was recorded by a replica without a row.
CREATE OR REPLACE FUNCTION @schema@.durabledict_register_1(
  dict text, its_id text, its_record text, its_version text, its_bound double precision, its_ttl bigint, its_renewal text, wait text,
  new_epoch text, new_nonce text
) RETURNS TABLE (h_epoch text, h_number bigint, h_nonce text, h_bound double precision, existed boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  known record;
  was_there boolean;
BEGIN
  SELECT * INTO known FROM @schema@.durabledict_bounds_1(dict, wait, new_epoch, new_nonce);
  was_there := EXISTS (SELECT FROM @schema@.durabledict_replicas r WHERE r.dictionary = dict AND r.id = its_id);
  INSERT INTO @schema@.durabledict_replicas (dictionary, id, format, record, version, bound, ttl, renewed, renewal)
    VALUES (dict, its_id, 1, its_record, its_version, its_bound, its_ttl, (date_part('epoch', clock_timestamp()) * 1000)::bigint, its_renewal)
    ON CONFLICT (dictionary, id) DO UPDATE SET format = excluded.format, record = excluded.record, version = excluded.version,
      bound = excluded.bound, ttl = excluded.ttl, renewed = excluded.renewed, renewal = excluded.renewal;
  PERFORM @schema@.durabledict_rebound_1(dict, greatest(known.recorded, its_bound), CASE
    WHEN its_bound > 0 AND (known.recorded < its_bound OR known.recorded <= known.covered) THEN greatest(known.covered, its_bound)
    ELSE known.covered END, known.unregistered);
  RETURN QUERY SELECT h.epoch, h.number, h.nonce, h.bound, was_there FROM @schema@.durabledict_heads h WHERE h.dictionary = dict;
END
$durabledict$;

-- Records the bound of a replica that never has a row. NULL: records what the rows need, and no more.
CREATE OR REPLACE FUNCTION @schema@.durabledict_bound_1(dict text, outside double precision, wait text, new_epoch text, new_nonce text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
DECLARE
  known record;
  needed double precision;
BEGIN
  SELECT * INTO known FROM @schema@.durabledict_bounds_1(dict, wait, new_epoch, new_nonce);
  IF outside IS NOT NULL THEN
    PERFORM @schema@.durabledict_rebound_1(dict, greatest(known.recorded, outside), known.covered, greatest(known.unregistered, outside));
    RETURN;
  END IF;
  needed := least(known.covered, coalesce((SELECT max(r.bound) FROM @schema@.durabledict_replicas r WHERE r.dictionary = dict AND r.id <> ''), 0));
  PERFORM @schema@.durabledict_rebound_1(dict, CASE WHEN known.recorded <= known.covered THEN greatest(needed, known.unregistered)
    ELSE known.recorded END, needed, known.unregistered);
END
$durabledict$;

-- Commits a batch as durabledict_commit_1 does, and returns who may rely on memory, read under the same lock.
CREATE OR REPLACE FUNCTION @schema@.durabledict_everywhere_1(request json) RETURNS TABLE (
  h_format integer, h_epoch text, h_number bigint, h_nonce text, h_bound double precision, h_outcomes text, h_changes text, h_registry text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
#variable_conflict use_column
DECLARE
  done record;
BEGIN
  SELECT * INTO done FROM @schema@.durabledict_commit_1(request);
  RETURN QUERY SELECT done.h_format, done.h_epoch, done.h_number, done.h_nonce, done.h_bound, done.h_outcomes, done.h_changes,
    @schema@.durabledict_registry_1(request->>'dictionary');
END
$durabledict$;
