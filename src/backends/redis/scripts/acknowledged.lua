-- Returns the replicas that hold a version or a later one of the same history, and those without a record.
--
-- ARGV[1]  the version      ARGV[2…]  the ids
--
-- The log proves that a version is later: after a failover that lost writes, a replica may hold one that is not of this history.

local head = call('HGET', meta_key, 'head')
local held, is_later = {}, { [ARGV[1]] = true }
for _, change in ipairs(is_head(head) and since(ARGV[1], head) or {}) do
  local version = string.match(change, '^"[^"]*","([^"]*)"', SEAL_LENGTH + 2)
  if version then is_later[version] = true end
end
for place = 2, #ARGV do
  local id = ARGV[place]
  local version = call('HGET', replicas_key, id .. ':version')
  if (version and is_later[version]) or not call('HGET', replicas_key, id) then held[#held + 1] = id end
end
return held
