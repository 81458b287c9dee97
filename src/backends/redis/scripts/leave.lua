-- Removes the record of a replica.
--
-- ARGV[1]  the id
--
-- Returns 1.

remove(ARGV[1])
record_bounds(0)
return 1
