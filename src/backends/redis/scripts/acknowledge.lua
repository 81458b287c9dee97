-- Notes in the record of a replica, if there is one, which version its memory holds, and wakes writers that wait for it. Nothing
-- precedes this script: many replicas run it at once, and the functions of the prelude would take longer.
--
-- KEYS[1]  the registry: see registry.lua     ARGV[1]  the id      ARGV[2]  the version
--
-- Returns 1. The message, on the channel named like KEYS[1], is the id, a space and the version. It is a hint: the registry has the
-- acknowledgement.

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[1] .. ':version', ARGV[2])
  redis.pcall('SPUBLISH', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
end
return 1
