-- Records that a replica without a record in the registry relies on its memory for this long after a check, unless a larger bound is
-- recorded already. Replaces a recorded bound that is malformed.
--
-- ARGV[1]  the bound in ms
--
-- Returns 1.

record_bounds(tonumber(ARGV[1]))
return 1
