-- Notes in the record of a replica, if there is one, which version its memory holds.
--
-- ARGV[1]  the id      ARGV[2]  the version
--
-- Returns 1.

if call('HGET', replicas_key, ARGV[1]) then call('HSET', replicas_key, ARGV[1] .. ':version', ARGV[2]) end
return 1
