-- Adds one to a version, where there is one. (INCR alone would found one at 1, which anyone could guess.)
--
-- KEYS[1]  the version's key
--
-- Returns the new version in decimal digits, or nil where there is none.

if redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('INCR', KEYS[1])
return redis.call('GET', KEYS[1])
