-- The text of the encoding is outdated if a statement sets the JSON beside it.
CREATE OR REPLACE FUNCTION @schema@.durabledict_edited_1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $durabledict$
BEGIN
  NEW.encoded := NULL;
  RETURN NEW;
END
$durabledict$;

DO $durabledict$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '@schema@.durabledict_entries'::regclass AND tgname = 'durabledict_edited_1') THEN
    CREATE TRIGGER durabledict_edited_1 BEFORE UPDATE ON @schema@.durabledict_entries FOR EACH ROW
      WHEN (OLD.encoded IS NOT NULL AND NEW.encoded IS NOT DISTINCT FROM OLD.encoded AND NEW.value IS DISTINCT FROM OLD.value)
      EXECUTE FUNCTION @schema@.durabledict_edited_1();
  END IF;
END $durabledict$;
