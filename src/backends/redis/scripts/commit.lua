-- Executes a batch in isolation, each of its groups all or nothing, and gives what happened since a version.
--
-- ARGV[1]  base: the version since when; where the log does not reach back to it, nothing is executed
-- ARGV[2]  a nonce, new at each sending
-- ARGV[3]  the batch's id, the same at each sending
-- ARGV[4]  flags: 'r' an earlier sending may have been executed, or may yet be; 'a' check the user's rights first
-- ARGV[5]  operations: 's',key,value  set      'd',key  delete      'c'  clear
--                      'p',key        pop      'f',key,value        set where missing
--          Before those that have conditions:
--                      'g', number of operations, number of conditions, then of each condition
--                      'v',version    the state is this one
--                      'u',key,version  no change since has touched the key
--
-- Returns one of
--   'stale', head, bound, diverged   nothing was executed: base is not of this history (diverged 1), or too old (0)
--   'dup', head, bound, position, change...        an earlier sending had been executed: it is the change there
--   'ok', head, bound, codes, number of values, value..., change...   the changes up to, not including, this batch's own
-- Codes, one for each operation: 'u' nothing to tell, 't' it was there, 'f' it was not, 'v' the next value tells, 'i' set
-- where missing; one for a whole group: 'x' a condition did not hold. Of 'c': 't' where anything was there.
--
-- Where no group has an effect, nothing is written, except for a retry: its empty change keeps the original, should it
-- arrive late, from being executed.

local LOG_LENGTH = 10000
local LOG_BYTES = 4194304
local CHANGE_BYTES = 1048576
local MESSAGE_BYTES = 262144
local ARGUMENTS = 1000

local base, nonce, id, flags = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- A right found missing after the first write would leave half a change.
if string.find(flags, 'a', 1, true) then
  local needed = {
    { 'HSET', entries_key, 'k', 'v' }, { 'HDEL', entries_key, 'k' }, { 'HGET', entries_key, 'k' },
    { 'DEL', entries_key }, { 'HSET', meta_key, 'k', 'v' },
    { 'RPUSH', log_key, 'v' }, { 'LPOP', log_key }, { 'LRANGE', log_key, '0', '-1' }, { 'DEL', log_key },
  }
  for _, command in ipairs(needed) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM the user may not run ' .. command[1] .. ' on ' .. command[2])
    end
  end
end

local head, size, bytes, bound = look(nonce)
local changes, diverged = since(base, head)
if not changes then return { 'stale', head, bound, diverged } end

-- An earlier sending of this batch, executed since.
local mark = ',' .. cjson.encode(id) .. ','
for position, change in ipairs(changes) do
  local after = select(2, string.find(change, '","', 1, true))
  local start = string.find(change, '"', after + 1, true) + 1
  if string.sub(change, start, start + #mark - 1) == mark then
    local reply = { 'dup', head, bound, position }
    for index = 1, #changes do reply[index + 4] = changes[index] end
    return reply
  end
end

-- What the batch makes of the entries. Nothing is written until all of it is known.
local overlay, order = {}, {}
local cleared, removed, present = false, 0, 0
local effects, effect_bytes = {}, 0
local codes, values = {}, {}

local function get(key)
  local value = overlay[key]
  if value ~= nil then return value end
  if cleared then return false end
  return redis.call('HGET', entries_key, key)
end

local function put(key, value)
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if not before then present = present + 1 end
  overlay[key] = value
  local count = #effects
  effects[count + 1], effects[count + 2], effects[count + 3] = 's', key, value
  effect_bytes = effect_bytes + #key + #value
end

-- Only of keys that are there.
local function remove(key)
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if before then present = present - 1 else removed = removed + 1 end
  overlay[key] = false
  local count = #effects
  effects[count + 1], effects[count + 2] = 'd', key
  effect_bytes = effect_bytes + #key
end

local function is_empty()
  return present == 0 and (cleared or size - removed <= 0)
end

local operations = {
  s = function(at)
    put(ARGV[at + 1], ARGV[at + 2])
    return 'u'
  end,
  d = function(at)
    local key = ARGV[at + 1]
    if not get(key) then return 'f' end
    remove(key)
    return 't'
  end,
  p = function(at)
    local key = ARGV[at + 1]
    local value = get(key)
    if not value then return 'f' end
    remove(key)
    values[#values + 1] = value
    return 'v'
  end,
  f = function(at)
    local key = ARGV[at + 1]
    local value = get(key)
    if value then
      values[#values + 1] = value
      return 'v'
    end
    put(key, ARGV[at + 2])
    return 'i'
  end,
  c = function()
    if is_empty() then return 'f' end
    overlay, order = {}, {}
    cleared, removed, present = true, 0, 0
    effects[#effects + 1] = 'c'
    return 't'
  end,
}
local ARITY = { s = 3, d = 2, p = 2, f = 3, c = 1, v = 2, u = 3 }

-- What the changes since a version have touched: keys, and true for everything; false where that cannot be told.
local touched = {}
local function touched_since(version)
  if touched[version] ~= nil then return touched[version] end
  local past = version == base and changes or since(version, head)
  local keys = past and {} or false
  for _, change in ipairs(past or {}) do
    local done = cjson.decode(change)[4]
    if done == '?' then keys[true] = true end
    local at = 1
    while done ~= '?' and at <= #done do
      local kind = done[at]
      keys[kind == 'c' or done[at + 1]] = true
      at = at + ARITY[kind]
    end
  end
  touched[version] = keys
  return keys
end

local function holds(at)
  if ARGV[at] == 'v' then return #effects == 0 and ARGV[at + 1] == head end
  local key, keys = ARGV[at + 1], touched_since(ARGV[at + 2])
  return keys and not (keys[true] or keys[key] or cleared or overlay[key] ~= nil)
end

local at = 5
while at <= #ARGV do
  local kind = ARGV[at]
  if kind == 'g' then
    local left, conditions = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local met = true
    at = at + 3
    for _ = 1, conditions do
      met = met and holds(at)
      at = at + ARITY[ARGV[at]]
    end
    if not met then
      codes[#codes + 1] = 'x'
      for _ = 1, left do at = at + ARITY[ARGV[at]] end
    end
  else
    codes[#codes + 1] = operations[kind](at)
    at = at + ARITY[kind]
  end
end
codes = table.concat(codes)

local function answer()
  local reply = { 'ok', head, bound, codes, #values }
  for index = 1, #values do reply[index + 5] = values[index] end
  local count = #reply
  for index = 1, #changes do reply[count + index] = changes[index] end
  return reply
end

if #effects == 0 and not string.find(flags, 'r', 1, true) then return answer() end

-- Values of an outcome that are too large to be kept are not known to a retry: it tells so.
local number, epoch = parts(head)
local version = string.format('%d-%s-%s', number + 1, epoch, nonce)
local value_bytes = 0
for index = 1, #values do value_bytes = value_bytes + #values[index] end
local change = { head, version, id, effects, codes }
if effect_bytes > CHANGE_BYTES then change[4] = '?' end
if value_bytes > CHANGE_BYTES then
  change[5] = '?'
else
  for index = 1, #values do change[index + 5] = values[index] end
end
change = cjson.encode(change)

-- The log first: that it is a list could not be seen before, and the types of the others were.
local length = redis.call('RPUSH', log_key, change)
bytes = bytes + #change
while length > LOG_LENGTH or bytes > LOG_BYTES do
  local oldest = redis.call('LPOP', log_key)
  if not oldest then break end
  length, bytes = length - 1, bytes - #oldest
end

local function write(command, list, change_size)
  local done = 0
  for first = 1, #list, ARGUMENTS do
    done = done + redis.call(command, entries_key, unpack(list, first, math.min(first + ARGUMENTS - 1, #list)))
  end
  size = size + change_size * done
end

if cleared then
  redis.call('DEL', entries_key)
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
write('HSET', sets, 1)
write('HDEL', deletes, -1)

redis.call('HSET', meta_key, 'head', version, 'size', size, 'bytes', bytes)
tell(#change > MESSAGE_BYTES and '' or change)
head = version
return answer()
