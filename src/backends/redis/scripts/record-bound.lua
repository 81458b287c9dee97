-- Records that a replica relies on its memory for this long after a check, unless a larger bound is recorded already.
-- Replaces a recorded bound that is malformed.
--
-- ARGV[1]  the bound in ms
--
-- Returns 1.

local bound = bound_of(redis.call('HGET', meta_key, 'bound'))
if not bound or tonumber(bound) < tonumber(ARGV[1]) then
  redis.call('HSET', meta_key, 'bound', ARGV[1])
end
return 1
