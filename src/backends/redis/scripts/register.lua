-- Writes or renews the record of a replica.
--
-- ARGV[1]  the id             ARGV[2]  the record
-- ARGV[3]  the version that its memory holds; '' if unknown
-- ARGV[4]  its bound in ms; '' if it has none
-- ARGV[5]  for how long the record counts, in ms
-- ARGV[6…] records to drop, as the sender knows that they have expired: id, and its field `<id>:at`
--
-- Returns 1 if the record existed before, else 0; the head; the largest recorded bound; then id and `<id>:at` of some records that may
-- have expired.

local SUSPECTS = 100

local id, record, version, bound, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)

call('ZADD', seen_key, at + ttl / 2, id)
if bound == '' then call('ZREM', bounds_key, id) else call('ZADD', bounds_key, bound, id) end
local added = call('HSET', replicas_key, id, record, id .. ':at', string.format('%s.%06d %s', now[1], now[2], ttl))
if version == '' then call('HDEL', replicas_key, id .. ':version') else call('HSET', replicas_key, id .. ':version', version) end

for place = 6, #ARGV, 2 do
  if call('HGET', replicas_key, ARGV[place] .. ':at') == ARGV[place + 1] then remove(ARGV[place]) end
end

local reply = { added == 0 and 1 or 0, call('HGET', meta_key, 'head') or '', record_bounds(0) }
for _, suspect in ipairs(call('ZRANGEBYSCORE', seen_key, '-inf', at, 'LIMIT', 0, SUSPECTS)) do
  local seen = call('HGET', replicas_key, suspect .. ':at')
  if seen then
    reply[#reply + 1] = suspect
    reply[#reply + 1] = seen
  else
    remove(suspect)
  end
end
return reply
