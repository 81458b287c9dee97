-- Executes a batch in isolation, each of its groups all or nothing, and gives what happened since a version.
--
-- ARGV[1]  base: the version since when; where the log does not reach back to it, nothing is executed
-- ARGV[2]  the nonce: the batch's id, a dot, and the number of this sending
-- ARGV[3]  flags: 'r' an earlier sending may have been executed, or may yet be; 'a' check the user's rights first
-- ARGV[4]  entropy: random, known to the sender alone
-- ARGV[5]  and on, operations: 's',key,value  set      'd',key  delete      'c'  clear
--                              'p',key        pop      'f',key,value        set where missing
--          Before those that have conditions:
--                              'g', number of operations, number of conditions, then of each condition
--                              'v',version      the state is this one
--                              'u',key,version  no change since has touched the key
--
-- Returns one of
--   'stale', head, bound, diverged           nothing was executed: base is not of this history (1), the log since is damaged
--                                            (2), or base is too old (0)
--   'dup', head, bound, position, change...  an earlier sending had been executed: it is the change there
--   'ok', head, bound, codes, number of values, value..., change...   changes up to, not including, the batch's own
-- Codes, one for each operation: 'u' nothing to tell, 't' it was there, 'f' it was not, 'v' the next value tells, 'b' it was
-- there but is no text (UTF-8), 'i' set where missing; one for a whole group: 'x' a condition did not hold. Of 'c': 't' where anything was there.
--
-- Where no group has an effect, nothing is written, except for a retry: its empty change keeps the original, should it
-- arrive late, from being executed.

local CHANGE_BYTES, MESSAGE_BYTES = 1048576, 262144
local ARGUMENTS = 1000

local base, nonce, flags, entropy = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- A right found missing after the first write would leave half a change.
if flags ~= '' and string.find(flags, 'a', 1, true) then
  local needed = {
    { 'HSET', entries_key, 'k', 'v' }, { 'HDEL', entries_key, 'k' }, { 'HGET', entries_key, 'k' },
    { 'DEL', entries_key }, { 'HSET', meta_key, 'k', 'v' },
    { 'HDEL', meta_key, 'k' }, { 'RPUSH', log_key, 'v' }, { 'LPOP', log_key }, { 'LRANGE', log_key, '0', '-1' },
    { 'LTRIM', log_key, '0', '-1' },
  }
  for _, command in ipairs(needed) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM the user may not run ' .. command[1] .. ' on ' .. command[2])
    end
  end
end

local head, size, bytes, bound, seal = look(nonce, entropy)
local changes, diverged = since(base, head)
if not changes then return { 'stale', head, bound, diverged } end

-- An earlier sending of this batch, executed since.
if #changes > 0 then
  local batch = string.match(nonce, '^[^.]*')
  for position = 1, #changes do
    -- Only the last part of its version: an epoch may bear the name of the batch that found it.
    local author = string.match(changes[position], '^"[^"]*","%d+%-[^-"]*%-([^".]*)%.', SEAL_LENGTH + 2)
    if not author then return { 'stale', head, bound, 2 } end
    if author == batch then
      local reply = { 'dup', head, bound, position }
      for index = 1, #changes do reply[index + 4] = changes[index] end
      return reply
    end
  end
end

local function answer(codes, values)
  local reply = { 'ok', head, bound, codes, #values }
  for index = 1, #values do reply[index + 5] = values[index] end
  local count = #reply
  for index = 1, #changes do reply[count + index] = changes[index] end
  return reply
end

-- Makes room in the log for a change that was appended. A log that is longer than one commit can have made it holds what
-- others have put there: nothing but the new change is kept of it.
local function trim(length, latest)
  if length > LOG_LENGTH + 1 then
    call('LTRIM', log_key, -1, -1)
    bytes = latest
    return
  end
  while length > LOG_LENGTH or bytes > LOG_BYTES do
    local oldest = call('LPOP', log_key)
    if not oldest then break end
    length, bytes = length - 1, bytes - #oldest
  end
  bytes = math.max(bytes, 0)
end

-- Appends what the batch came to. The first write of all: that the log is a list could not be seen before, and the
-- types of the others were. Gives the message.
local function append(effects, effect_bytes, codes, values)
  local version = following(head, nonce)
  local change = { head, version, effect_bytes > CHANGE_BYTES and '?' or effects, codes }
  local value_bytes = 0
  for index = 1, #values do
    change[index + 4] = values[index]
    value_bytes = value_bytes + #values[index]
  end
  -- A retry is then told that they are not known any more.
  if value_bytes > CHANGE_BYTES then change = { head, version, change[3], '?' } end
  change = cjson.encode(change)
  change = seal_of(change, seal) .. change
  local length = call('RPUSH', log_key, change)
  bytes = bytes + #change
  trim(length, #change)
  head = version
  return change
end

-- Completes the change. The message is a hint: where it is not permitted the write stands.
local function finish(change)
  call('HSET', meta_key, 'head', head, 'size', size, 'bytes', bytes)
  redis.pcall('SPUBLISH', meta_key, #change > MESSAGE_BYTES and '' or change)
end

-- The most frequent batch, without the detour.
if #ARGV == 7 and ARGV[5] == 's' then
  local key, value = ARGV[6], ARGV[7]
  local change = append({ 's', key, value }, #key + #value, 'u', {})
  size = size + call('HSET', entries_key, key, value)
  finish(change)
  return answer('u', {})
end

-- What the batch makes of the entries. Nothing is written until all of it is known.
local overlay, order = {}, {}
local cleared, removed, present = false, 0, 0
local effects, effect_count, effect_bytes = {}, 0, 0
local codes, values = {}, {}

local function get(key)
  local value = overlay[key]
  if value ~= nil then return value end
  if cleared then return false end
  return call('HGET', entries_key, key)
end

local function put(key, value)
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if not before then present = present + 1 end
  overlay[key] = value
  effects[effect_count + 1], effects[effect_count + 2], effects[effect_count + 3] = 's', key, value
  effect_count = effect_count + 3
  effect_bytes = effect_bytes + #key + #value
end

-- Only of keys that are there.
local function remove(key)
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if before then present = present - 1 else removed = removed + 1 end
  overlay[key] = false
  effects[effect_count + 1], effects[effect_count + 2] = 'd', key
  effect_count = effect_count + 2
  effect_bytes = effect_bytes + #key
end

-- May say 'no' of a key that was replaced before it was removed: a clear of nothing then does no harm.
local function is_empty()
  return present == 0 and (cleared or size - removed <= 0)
end

-- Whether it is UTF-8. Every well-formed sequence is replaced, so that none can come of the bytes around another.
local SEQUENCES = {
  '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]',
  '\237[\128-\159][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]',
  '[\241-\243][\128-\191][\128-\191][\128-\191]', '\244[\128-\143][\128-\191][\128-\191]',
}
local function is_text(value)
  if not string.find(value, '[\128-\255]') then return true end
  for _, sequence in ipairs(SEQUENCES) do value = string.gsub(value, sequence, '?') end
  return not string.find(value, '[\128-\255]')
end

-- The code for a value that is told.
local function tell(value)
  if not is_text(value) then return 'b' end
  values[#values + 1] = value
  return 'v'
end

-- Executes the operation there; gives its code, and where the next one is.
local function execute(at)
  local kind, key = ARGV[at], ARGV[at + 1]
  if kind == 's' then
    put(key, ARGV[at + 2])
    return 'u', at + 3
  elseif kind == 'd' then
    if not get(key) then return 'f', at + 2 end
    remove(key)
    return 't', at + 2
  elseif kind == 'p' then
    local value = get(key)
    if not value then return 'f', at + 2 end
    local code = tell(value)
    -- What cannot be told is left where it is.
    if code == 'v' then remove(key) end
    return code, at + 2
  elseif kind == 'f' then
    local value = get(key)
    if not value then
      put(key, ARGV[at + 2])
      return 'i', at + 3
    end
    return tell(value), at + 3
  end
  if is_empty() then return 'f', at + 1 end
  overlay, order = {}, {}
  cleared, removed, present = true, 0, 0
  effect_count = effect_count + 1
  effects[effect_count] = 'c'
  return 't', at + 1
end

local ARITY = { s = 3, d = 2, p = 2, f = 3, c = 1, v = 2, u = 3 }

-- Puts down the keys that a change touched, and true for everything. False where that cannot be told: a damaged change.
local function touch(keys, change)
  local well, decoded = pcall(cjson.decode, string.sub(change, SEAL_LENGTH + 1))
  local done = well and type(decoded) == 'table' and decoded[3]
  if done == '?' then
    keys[true] = true
    return true
  end
  if type(done) ~= 'table' then return false end
  local at = 1
  while at <= #done do
    local kind = done[at]
    local key = kind == 'c' or done[at + 1]
    if not ARITY[kind] or key == nil then return false end
    keys[key] = true
    at = at + ARITY[kind]
  end
  return true
end

-- What the changes since a version have touched; false where that cannot be told.
local touched = {}
local function touched_since(version)
  if touched[version] ~= nil then return touched[version] end
  local past = version == base and changes or since(version, head)
  local keys = past and {} or false
  for _, change in ipairs(past or {}) do
    keys = keys and touch(keys, change) and keys
  end
  touched[version] = keys
  return keys
end

local function holds(at)
  if ARGV[at] == 'v' then return effect_count == 0 and ARGV[at + 1] == head end
  local key, keys = ARGV[at + 1], touched_since(ARGV[at + 2])
  return keys and not (keys[true] or keys[key] or cleared or overlay[key] ~= nil)
end

local at, count = 5, #ARGV
while at <= count do
  if ARGV[at] == 'g' then
    local skipped, conditions, met = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), true
    at = at + 3
    for _ = 1, conditions do
      met = met and holds(at)
      at = at + ARITY[ARGV[at]]
    end
    if not met then
      codes[#codes + 1] = 'x'
      for _ = 1, skipped do at = at + ARITY[ARGV[at]] end
    end
  else
    codes[#codes + 1], at = execute(at)
  end
end
codes = table.concat(codes)

if effect_count == 0 and not string.find(flags, 'r', 1, true) then return answer(codes, values) end

local change = append(effects, effect_bytes, codes, values)

-- The number that the server says it has done, for a list of any length.
local function write(command, list)
  local done = 0
  for first = 1, #list, ARGUMENTS do
    done = done + call(command, entries_key, unpack(list, first, math.min(first + ARGUMENTS - 1, #list)))
  end
  return done
end

if cleared then
  call('DEL', entries_key)
  size = 0
end
local sets, deletes = {}, {}
for _, key in ipairs(order) do
  local value = overlay[key]
  if value then
    sets[#sets + 1], sets[#sets + 2] = key, value
  elseif not cleared then
    deletes[#deletes + 1] = key
  end
end
size = size + write('HSET', sets) - write('HDEL', deletes)
finish(change)
return answer(codes, values)
