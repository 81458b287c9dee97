-- Adds one to a version, where there is one. (INCR alone would found one at 1, which anyone could guess.)
--
-- KEYS[1]  the version's key
--
-- Returns the new version in decimal digits, or nil where there is none.

-- GETEX is a write to the server, as GET is not: a replica does not say that there is none, and a server that is out of
-- memory lets a script go on that has written already.
if not redis.call('GETEX', KEYS[1]) then return false end
redis.call('INCR', KEYS[1])
return redis.call('GETEX', KEYS[1])
