-- The registry of replicas: follows prelude.lua in the scripts that use it.
--
-- KEYS[6]  what each replica says of itself: a hash. For each id:
--            <id>          a JSON object: format 1; readers ignore members that they do not know
--            <id>:at       the server's clock at the latest renewal, in seconds, a space, and for how many ms it counts
--            <id>:version  the version that its memory holds; absent if unknown
-- KEYS[7]  the ids, by the time (ms since 1970) from which on they may be dead: a sorted set
-- KEYS[8]  the ids of replicas with a bound, by the bound in ms: a sorted set
--
-- Fields of the metadata, besides `bound`:
--   covered       the largest bound of a record
--   unregistered  the largest bound of replicas without a record. `bound` is the larger of the two. If it is larger still, a release
--                 without a registry has recorded it.

local replicas_key, seen_key, bounds_key = KEYS[6], KEYS[7], KEYS[8]

local function bound_in(text)
  return tonumber(bound_of(text) or '') or 0
end

local function text_of_bound(bound)
  return bound == math.floor(bound) and string.format('%.0f', bound) or string.format('%.6f', bound)
end

-- Returns the largest bound of replicas without a record, given the fields `bound`, `covered` and `unregistered`.
local function unregistered_in(meta)
  local bound, covered, unregistered = bound_in(meta[1]), bound_in(meta[2]), bound_in(meta[3])
  return bound > math.max(covered, unregistered) and bound or unregistered
end

-- Records the bounds that replicas rely on now, and returns the largest. `unregistered` is one of a replica without a record, or 0.
local function record_bounds(unregistered)
  local meta = call('HMGET', meta_key, 'bound', 'covered', 'unregistered')
  unregistered = math.max(unregistered, unregistered_in(meta))
  local largest = call('ZRANGE', bounds_key, 0, 0, 'REV', 'WITHSCORES')
  local covered = tonumber(largest[2]) or 0
  local bound = text_of_bound(math.max(covered, unregistered))
  covered, unregistered = text_of_bound(covered), text_of_bound(unregistered)
  if bound ~= (meta[1] or '0') or covered ~= (meta[2] or '0') or unregistered ~= (meta[3] or '0') then
    call('HSET', meta_key, 'bound', bound, 'covered', covered, 'unregistered', unregistered)
  end
  return bound
end

local function remove(id)
  call('HDEL', replicas_key, id, id .. ':at', id .. ':version')
  call('ZREM', seen_key, id)
  call('ZREM', bounds_key, id)
end

-- Returns the server's clock in ms since 1970 (0 without the right to read it), the largest bound of replicas without a record, and all
-- fields of the registry with their values.
local function read_registry()
  local now = redis.pcall('TIME')
  local reply = {
    now.err and 0 or now[1] * 1000 + math.floor(now[2] / 1000),
    text_of_bound(unregistered_in(call('HMGET', meta_key, 'bound', 'covered', 'unregistered'))),
  }
  local fields = call('HGETALL', replicas_key)
  for index = 1, #fields do reply[index + 2] = fields[index] end
  return reply
end
