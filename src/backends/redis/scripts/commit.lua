-- Executes a batch in isolation, each of its groups atomically, and returns the changes since a version.
--
-- ARGV[1]  base: the version to return changes since. If the log does not reach back to it, nothing is executed.
-- ARGV[2]  the nonce: the batch's id, a dot, and the number of this attempt
-- ARGV[3]  flags: 'r' an earlier attempt may have been executed, or may still arrive; 'a' check the user's rights first
-- ARGV[4]  entropy: random, known only to the sender
-- ARGV[5…] operations: 's',key,value  set      'd',key  delete      'c'  clear
--                      'p',key        pop      'f',key,value        set if absent
--          A group with conditions is preceded by
--                      'g', number of operations, number of conditions, then each condition:
--                      'v',version      the state has this version
--                      'u',key,version  no change since this version has touched the key
--
-- Returns one of
--   'stale', head, bound, diverged           nothing was executed: the base is too old (0) or belongs to another history
--                                            (1), or the log is damaged (2)
--   'dup', head, bound, position, change...  an earlier attempt was executed: its change is at this position
--   'ok', head, bound, codes, number of values, value..., change...   changes up to, but not including, the batch's own
-- Codes, one for each operation: 'u' no result, 't' the key was present, 'f' it was absent, 'v' the result is the next value,
-- 'b' it was present but is not UTF-8 text, 'i' set because it was absent. One code for a whole group: 'x' a condition failed.
-- For 'c': 't' if there were any entries.
--
-- If no group has an effect, nothing is written, except for a retry: its empty change prevents the original from being
-- executed if it arrives late.

local CHANGE_BYTES, MESSAGE_BYTES = 1048576, 262144
local ARGUMENTS = 1000

local base, nonce, flags, entropy = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- A right that turns out to be missing after the first write would leave half a change.
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

local head, size, bytes, bound, seal = read_head(nonce, entropy)
local changes, diverged = since(base, head)
if not changes then return { 'stale', head, bound, diverged } end

-- Finds an earlier attempt of this batch among the changes.
if #changes > 0 then
  local batch = string.match(nonce, '^[^.]*')
  for position = 1, #changes do
    -- Only the last part of the version is compared: an epoch may contain the id of the batch that started it.
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

-- Trims the log after an append. If the log is longer than one commit can have made it, other programs have appended
-- to it: only the new change is kept.
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

-- Appends the batch's change to the log and returns it as a message. This is the first write: `read_head` checks the types
-- of the other keys, but not that the log is a list.
local function append(effects, effect_bytes, codes, values)
  local version = next_version(head, nonce)
  local change = { head, version, effect_bytes > CHANGE_BYTES and '?' or effects, codes }
  local value_bytes = 0
  for index = 1, #values do
    change[index + 4] = values[index]
    value_bytes = value_bytes + #values[index]
  end
  -- A retry then reports that the results are no longer available.
  if value_bytes > CHANGE_BYTES then change = { head, version, change[3], '?' } end
  change = cjson.encode(change)
  change = seal_of(change, seal) .. change
  local length = call('RPUSH', log_key, change)
  bytes = bytes + #change
  trim(length, #change)
  head = version
  return change
end

-- Completes the change. The message is a hint: if the user may not publish, the write still counts.
local function finish(change)
  call('HSET', meta_key, 'head', head, 'size', size, 'bytes', bytes)
  redis.pcall('SPUBLISH', meta_key, #change > MESSAGE_BYTES and '' or change)
end

-- Fast path for the most frequent batch: a single set.
if #ARGV == 7 and ARGV[5] == 's' then
  local key, value = ARGV[6], ARGV[7]
  local change = append({ 's', key, value }, #key + #value, 'u', {})
  size = size + call('HSET', entries_key, key, value)
  finish(change)
  return answer('u', {})
end

-- The entries as the batch changes them. Nothing is written before every operation has been evaluated.
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

-- Requires that the key is present.
local function remove(key)
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if before then present = present - 1 else removed = removed + 1 end
  overlay[key] = false
  effects[effect_count + 1], effects[effect_count + 2] = 'd', key
  effect_count = effect_count + 2
  effect_bytes = effect_bytes + #key
end

-- May return false after a key was replaced and then removed: clearing an empty dictionary then does no harm.
local function is_empty()
  return present == 0 and (cleared or size - removed <= 0)
end

-- Returns whether the value is UTF-8. Each well-formed sequence is replaced with '?' so that the bytes around it
-- cannot join into a new sequence.
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

-- Adds a value to the results and returns its code.
local function add_value(value)
  if not is_text(value) then return 'b' end
  values[#values + 1] = value
  return 'v'
end

-- Executes the operation at this position. Returns its code and the position of the next operation.
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
    local code = add_value(value)
    -- A value that cannot be returned is not removed.
    if code == 'v' then remove(key) end
    return code, at + 2
  elseif kind == 'f' then
    local value = get(key)
    if not value then
      put(key, ARGV[at + 2])
      return 'i', at + 3
    end
    return add_value(value), at + 3
  end
  if is_empty() then return 'f', at + 1 end
  overlay, order = {}, {}
  cleared, removed, present = true, 0, 0
  effect_count = effect_count + 1
  effects[effect_count] = 'c'
  return 't', at + 1
end

local ARITY = { s = 3, d = 2, p = 2, f = 3, c = 1, v = 2, u = 3 }

-- Adds the keys that a change touched; `true` means all keys. Returns false if the change is damaged.
local function touch(keys, change)
  local is_json, decoded = pcall(cjson.decode, string.sub(change, SEAL_LENGTH + 1))
  local recorded = is_json and type(decoded) == 'table' and decoded[3]
  if recorded == '?' then
    keys[true] = true
    return true
  end
  if type(recorded) ~= 'table' then return false end
  local at = 1
  while at <= #recorded do
    local kind = recorded[at]
    local key = kind == 'c' or recorded[at + 1]
    if not ARITY[kind] or key == nil then return false end
    keys[key] = true
    at = at + ARITY[kind]
  end
  return true
end

-- Returns the keys touched since a version, or false if they are unknown.
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

local function is_met(at)
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
      met = met and is_met(at)
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

-- Returns the sum of the server's replies; the list can have any length.
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
