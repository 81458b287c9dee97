-- Executes a batch in isolation, each of its groups atomically, and returns the changes since a version.
--
-- ARGV[1]  base: the version to return changes since. If the log does not reach back to it, nothing is executed.
-- ARGV[2]  the nonce: the batch's id, a dot, and the number of this attempt
-- ARGV[3]  flags: 'r' an earlier attempt may have been executed, or may still arrive; 'a' check the user's rights first;
--          'k' ask the replicas to acknowledge the change (only with registry.lua)
-- ARGV[4]  entropy: random, known only to the sender
-- ARGV[5…] operations: 's',key,value  set      'd',key  delete      'c'  clear
--                      'p',key        pop      'f',key,value        set if absent
--                      't',key,before touch: announces the stored value as a change; 'o',key without a value before
--          Each is a group of its own, unless it is preceded by
--                      'g', number of operations, number of conditions, then each condition:
--                      'v',version      the state has this version
--                      'u',key,version  no change since this version has touched the key
--          A group with an author is preceded by
--                      'w', what is known of 'b' by, 'r' reason, 'v' via, in this order, as one text; then each of these
--
-- Returns one of
--   'stale', head, bound, diverged           nothing was executed: the base is too old (0) or belongs to another history
--                                            (1), or the log is damaged (2)
--   the largest recorded bound, or -1        to a batch in the short form: see fast-set.lua
--   'dup', head, bound, position, change...  an earlier attempt was executed: its change is at this position
--   'ok', head, bound, codes, number of values, value..., change...   changes up to, but not including, the batch's own
-- If the replicas are asked to acknowledge: a list of this and the registry.
-- Codes, one for each operation: 'u' no result, 't' the key was present, 'f' it was absent, 'v' the result is the next value,
-- 'b' it was present but is not UTF-8 text, 'i' set because it was absent. One code for a whole group: 'x' a condition failed.
-- For 'c': 't' if there were any entries.
--
-- If no group has an effect, nothing is written, except for a retry: its empty change prevents the original from being
-- executed if it arrives late. A batch with 'k' and a group without operations and conditions makes an empty change too: it asks. Each group with an effect is one commit of the history: see history.lua.

local CHANGE_BYTES, MESSAGE_BYTES = 1048576, 262144
local ARGUMENTS = 1000

local base, nonce, flags, entropy = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local asks = string.find(flags, 'k', 1, true)

-- The registry is read in the same step as the version, after the batch was executed.
local function with_registry(reply)
  if asks then return { reply, read_registry() } end
  return reply
end

-- A right that turns out to be missing after the first write would leave half a change.
if flags ~= '' and string.find(flags, 'a', 1, true) then
  local needed = {
    { 'HSET', entries_key, 'k', 'v' }, { 'HDEL', entries_key, 'k' }, { 'HGET', entries_key, 'k' },
    { 'DEL', entries_key }, { 'HSET', meta_key, 'k', 'v' },
    { 'HDEL', meta_key, 'k' }, { 'RPUSH', log_key, 'v' }, { 'LPOP', log_key }, { 'LRANGE', log_key, '0', '-1' },
    { 'LTRIM', log_key, '0', '-1' },
  }
  local tools = history_tools()
  local index_key, dropped_key = tools.index_key, tools.dropped_key
  for _, command in ipairs(limits_of(call('HGET', meta_key, 'keep')) and {
    { 'ZADD', history_key, '1', 'v' }, { 'ZREMRANGEBYSCORE', history_key, '1', '1' }, { 'ZCARD', history_key }, { 'TIME' },
    { 'APPEND', index_key, 'v' }, { 'GETRANGE', index_key, '0', '0' }, { 'SET', index_key, 'v' },
    { 'HSET', dropped_key, 'k', 'v' }, { 'HGETALL', dropped_key }, { 'HDEL', dropped_key, 'k' },
    { 'UNLINK', history_key, index_key, dropped_key }, { 'RENAME', entries_key, history_key .. ':1' },
    { 'RPOP', log_key },
  } or {}) do
    needed[#needed + 1] = command
  end
  for _, command in ipairs(needed) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM the user may not run ' .. command[1] .. ' on ' .. (command[2] or 'the server'))
    end
  end
end

local head, size, bytes, bound, seal, meta = read_head(nonce, entropy, 'keep', 'past', 'shift')
if not head then return -1 end
local changes, diverged = since(base, head)
if not changes then return with_registry({ 'stale', head, bound, diverged }) end

-- Finds an earlier attempt of this batch among the changes.
if #changes > 0 then
  local batch = string.match(nonce, '^[^.]*')
  for position = 1, #changes do
    -- Only the last part of the version is compared: an epoch may contain the id of the batch that started it.
    local author = string.match(changes[position], '^"[^"]*","%d+%-[^-"]*%-([^".]*)%.', SEAL_LENGTH + 2)
    if not author then return with_registry({ 'stale', head, bound, 2 }) end
    if author == batch then
      local reply = { 'dup', head, bound, position }
      for index = 1, #changes do reply[index + 4] = changes[index] end
      return with_registry(reply)
    end
  end
end

local keep, days = limits_of(meta[6])
local past = keep and past_of(meta[7], head, size)
if past and not past.is_current and entropy == '' then return -1 end

local function answer(codes, values)
  local reply = { 'ok', head, bound, codes, #values }
  for index = 1, #values do reply[index + 5] = values[index] end
  local count = #reply
  for index = 1, #changes do reply[count + index] = changes[index] end
  return with_registry(reply)
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

-- The author of a group that names none.
local NOBODY = {}

-- Lengths as text: each conversion of a number takes as long as a short command.
local lengths = {}
local function length_of(value)
  local length = #value
  local text = lengths[length]
  if not text then
    text = digits(length)
    lengths[length] = text
  end
  return text
end

local function field(name, value)
  return name .. ' ' .. length_of(value) .. ' ' .. value .. '\n'
end

-- Returns the text of a commit. It is a flat list of key, value before and value after, where `false` is absent. The author is a
-- flat list of names and texts. `origin` is the rest of the first line.
local function text_of(commit, author, position, origin)
  local key, before, after = commit[1], commit[2], commit[3]
  -- The most frequent commit, in one step: each string that is made on the way costs time.
  if #commit == 3 and before and after and author == NOBODY and not commit.is_clear then
    return 'format 1 commit ' .. position .. origin .. 'key ' .. length_of(key) .. ' ' .. key
      .. '\nbefore ' .. length_of(before) .. ' ' .. before .. '\nafter ' .. length_of(after) .. ' ' .. after .. '\n'
  end
  local parts = { 'format 1 commit ' .. position .. origin }
  for index = 1, #author, 2 do parts[#parts + 1] = field(author[index], author[index + 1]) end
  if commit.is_clear then parts[#parts + 1] = field('cleared', history_key .. ':' .. position) end
  local count = #parts
  for place = 1, #commit, 3 do
    before, after = commit[place + 1], commit[place + 2]
    parts[count + 1] = field('key', commit[place])
    parts[count + 2] = before and field('before', before) or ''
    parts[count + 3] = after and field('after', after) or ''
    count = count + 3
  end
  return table.concat(parts)
end

-- Runs the command with a list of any length. Returns the sum of the server's replies.
local function call_with_list(command, key, list)
  local done = 0
  for first = 1, #list, ARGUMENTS do
    done = done + call(command, key, unpack(list, first, math.min(first + ARGUMENTS - 1, #list)))
  end
  return done
end

-- Adds the commits and their lines of the index.
local function add_commits(commits, authors, version, now)
  local at, lines, texts = digits(now), {}, {}
  local origin, middle = ' at ' .. at .. ' version ' .. version .. '\n', '","' .. at .. '",'
  for number, commit in ipairs(commits) do
    past.position, past.commits = past.position + 1, past.commits + 1
    local position, key = digits(past.position), commit.is_clear and '2' or '1'
    texts[number * 2 - 1], texts[number * 2] = position, text_of(commit, authors[number], position, origin)
    if #commit == 3 and not commit.is_clear then key = cjson.encode(commit[1]) end
    lines[number] = '"' .. position .. middle .. key .. ','
    if commit.is_clear then commit.position = position end
  end
  call_with_list('ZADD', history_key, texts)
  call('APPEND', history_key .. ':index', table.concat(lines))
end

-- The most commits that are stored: half as many again as the policy keeps, so that those in between share the costs of dropping.
local function most_commits()
  return keep + (keep >= 100 and math.floor(keep / 2) or 0)
end

-- Whether to drop commits.
local function is_trim_due(now, before)
  if past.commits > most_commits() then return true end
  if math.floor(past.position / AGE_EVERY) == math.floor(before / AGE_EVERY) then return false end
  local oldest = string.match(call('GETRANGE', history_key .. ':index', 0, 40), '^"%d+","(%d+)",')
  return not oldest or tonumber(oldest) < now - days * DAY or call('ZCARD', history_key) ~= past.commits
end

-- Records the batch's commits. If a key belongs to another program, takes back what was written before.
local function record(commits, authors, version)
  local now, before = time(), past.position
  local checked = past.recorded or before
  local is_done, problem = pcall(add_commits, commits, authors, version, now)
  if not is_done then
    call('RPOP', log_key)
    redis.pcall('ZREMRANGEBYSCORE', history_key, '(' .. digits(before), '+inf')
    error(problem)
  end
  if is_trim_due(now, checked) then history_tools().trim(past, keep, days, now) end
end

-- Appends the batch's change to the log, and its commits to the history. Returns the change as a message. These are the first
-- writes: `read_head` checks the types of the other keys, but not that the log is a list.
local function append(effects, effect_bytes, codes, values, commits, authors, notes)
  local version = next_version(head, nonce)
  local change = { head, version, effect_bytes > CHANGE_BYTES and '?' or effects, codes }
  local value_bytes = 0
  for index = 1, #values do
    change[index + 4] = values[index]
    value_bytes = value_bytes + #values[index]
  end
  -- A retry then reports that the results are no longer available.
  if value_bytes > CHANGE_BYTES then change = { head, version, change[3], '?' } end
  if notes or asks then change[#change + 1] = cjson.encode({ format = 2, notes = notes, acknowledge = asks and true or nil }) end
  change = cjson.encode(change)
  change = seal_of(change, seal) .. change
  local has_commits = past and #authors > 0
  -- Also without commits: an empty change must not look like one whose commit is missing.
  if past and not past.is_current then history_tools().begin(past, entropy) end
  local length = call('RPUSH', log_key, change)
  if has_commits then record(commits, authors, version) end
  bytes = bytes + #change
  trim(length, #change)
  head = version
  return change
end

-- Completes the change. The message is a hint: if the user may not publish, the write still counts.
local function finish(change)
  local number = parts(head)
  if past and past.is_current then
    past.number = number
    local left = math.min(AGE_EVERY - 1 - past.position % AGE_EVERY, most_commits() - past.commits)
    call('HSET', meta_key, 'head', head, 'size', size, 'bytes', bytes, 'own', head, 'past', past_text(past),
      'shift', digits(past.position - number), 'due', digits(number + left))
  elseif past then
    call('HSET', meta_key, 'head', head, 'size', size, 'bytes', bytes)
  else
    if meta[8] then call('HDEL', meta_key, 'shift') end
    call('HSET', meta_key, 'head', head, 'size', size, 'bytes', bytes, 'own', head, 'due', digits(number + LOG_LENGTH))
  end
  copy_head(head, size)
  redis.pcall('SPUBLISH', meta_key, #change > MESSAGE_BYTES and '' or change)
end

-- Reads the author at a position in the arguments. Returns what is known of it as a flat list of names and texts, and the
-- position behind it.
local NAMES = { b = 'by', r = 'reason', v = 'via' }
local function read_author(at)
  if ARGV[at] ~= 'w' then return NOBODY, at end
  local author, known = {}, ARGV[at + 1]
  for index = 1, #known do
    author[index * 2 - 1], author[index * 2] = NAMES[string.sub(known, index, index)], ARGV[at + 1 + index]
  end
  return author, at + 2 + #known
end

-- Returns the notes for a change. `counts` has the number of effects of each group.
local function notes_of(authors, counts)
  local notes = {}
  for number, author in ipairs(authors) do
    local note = { effects = counts[number] }
    for index = 1, #author, 2 do note[author[index]] = author[index + 1] end
    notes[number] = note
  end
  return notes
end

-- Fast path for the most frequent batch: a single set.
local author, start = read_author(5)
if ARGV[start] == 's' and #ARGV == start + 2 then
  local key, value = ARGV[start + 1], ARGV[start + 2]
  local commits, authors = past and { { key, call('HGET', entries_key, key), value } }, { author }
  local notes = author ~= NOBODY and notes_of(authors, { 1 }) or nil
  local change = append({ 's', key, value }, #key + #value, 'u', {}, commits, authors, notes)
  size = size + call('HSET', entries_key, key, value)
  finish(change)
  return answer('u', {})
end

local function are_only_sets()
  for place = 5, #ARGV, 3 do
    if ARGV[place] ~= 's' then return false end
  end
  return #ARGV > 4
end

-- Returns the stored values of the keys in the batch of sets, in this order.
local function read_values()
  local values = {}
  for first = 6, #ARGV, ARGUMENTS * 3 do
    local keys = {}
    for place = first, math.min(first + ARGUMENTS * 3 - 1, #ARGV), 3 do keys[#keys + 1] = ARGV[place] end
    for _, value in ipairs(call('HMGET', entries_key, unpack(keys))) do values[#values + 1] = value end
  end
  return values
end

-- Fast path for the next most frequent batch: sets by nobody in particular, each a group of its own.
if are_only_sets() then
  local stored, latest, effects, pairs_to_set = past and read_values(), {}, {}, {}
  local effect_bytes, commits, authors = 0, {}, {}
  for place = 5, #ARGV, 3 do
    local key, value, number = ARGV[place + 1], ARGV[place + 2], (place - 2) / 3
    effects[place - 4], effects[place - 3], effects[place - 2] = 's', key, value
    pairs_to_set[number * 2 - 1], pairs_to_set[number * 2] = key, value
    effect_bytes = effect_bytes + #key + #value
    if past then
      commits[number], authors[number], latest[key] = { key, latest[key] or stored[number], value }, NOBODY, value
    end
  end
  local codes = string.rep('u', #effects / 3)
  local change = append(effects, effect_bytes, codes, {}, commits, authors)
  size = size + call_with_list('HSET', entries_key, pairs_to_set)
  finish(change)
  return answer(codes, {})
end

-- The entries as the batch changes them. Nothing is written before every operation has been evaluated.
local overlay, order = {}, {}
local cleared, removed, present = false, 0, 0
local effects, effect_count, effect_bytes, effects_in_group = {}, 0, 0, 0
local codes, values = {}, {}
-- The groups with effects: their commits, their authors and how many effects each has.
local commits, authors, counts, has_author = {}, {}, {}, false
-- The commit of the current group, if a history is kept, and where in it each key is.
local commit, places
-- The commit that has the stored entries as a hash, because it was the first to clear them. They were like this when its group
-- began, except for the keys in `start_of`.
local first_clear, start_keys, start_of = nil, {}, {}

local function get(key)
  local value = overlay[key]
  if value ~= nil then return value end
  if cleared then return false end
  return call('HGET', entries_key, key)
end

-- Adds what the group did to a key to its commit. `before` is left out if the caller has not looked.
local function note(key, before, after)
  local place = places[key]
  if place then
    commit[place] = after
    return
  end
  if commit.is_clear then
    local stored = start_of[key]
    if stored == nil then stored = call('HGET', entries_key, key) end
    before = stored or before
  end
  if before == nil then before = get(key) end
  place = #commit + 3
  commit[place - 2], commit[place - 1], commit[place] = key, before, after
  places[key] = place
end

-- What the first clear removes becomes a hash of the history as it is. Notes how the keys that the batch has already changed
-- were when the group began.
local function note_clear()
  if cleared then
    for _, key in ipairs(order) do
      if overlay[key] then note(key, overlay[key], false) end
    end
  else
    first_clear, start_keys, commit.is_clear = commit, order, true
    for _, key in ipairs(order) do
      local place = places[key]
      if place then start_of[key] = commit[place - 1] else start_of[key] = overlay[key] end
    end
  end
  for place = 3, #commit, 3 do commit[place] = false end
end

local function put(key, value, stored)
  if commit then note(key, stored, value) end
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if not before then present = present + 1 end
  overlay[key] = value
  effects[effect_count + 1], effects[effect_count + 2], effects[effect_count + 3] = 's', key, value
  effect_count, effects_in_group = effect_count + 3, effects_in_group + 1
  effect_bytes = effect_bytes + #key + #value
end

-- Requires that the key is present, with this value.
local function remove(key, value)
  if commit then note(key, value, false) end
  local before = overlay[key]
  if before == nil then order[#order + 1] = key end
  if before then present = present - 1 else removed = removed + 1 end
  overlay[key] = false
  effects[effect_count + 1], effects[effect_count + 2] = 'd', key
  effect_count, effects_in_group = effect_count + 2, effects_in_group + 1
  effect_bytes = effect_bytes + #key
end

local function is_empty()
  if present > 0 then return false end
  if cleared or size - removed <= 0 then return true end
  if #order < size then return false end
  -- A key that was replaced and then removed is not counted.
  local left = size
  for _, key in ipairs(order) do
    if call('HGET', entries_key, key) then left = left - 1 end
  end
  return left == 0
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

-- Announces what is stored as a change, with a value before that the caller knew.
local function announce(key, before)
  local value = get(key)
  if not value then
    if commit then note(key, before, false) end
    if overlay[key] == nil then order[#order + 1] = key end
    overlay[key] = false
    effects[effect_count + 1], effects[effect_count + 2] = 'd', key
    effect_count, effects_in_group = effect_count + 2, effects_in_group + 1
    return 'f'
  end
  local code = add_value(value)
  if code == 'v' then put(key, value, before) end
  return code
end

-- Executes the operation at this position. Returns its code and the position of the next operation.
local function execute(at)
  local kind, key = ARGV[at], ARGV[at + 1]
  if kind == 's' then
    put(key, ARGV[at + 2])
    return 'u', at + 3
  elseif kind == 'd' then
    local value = get(key)
    if not value then return 'f', at + 2 end
    remove(key, value)
    return 't', at + 2
  elseif kind == 'p' then
    local value = get(key)
    if not value then return 'f', at + 2 end
    local code = add_value(value)
    -- A value that cannot be returned is not removed.
    if code == 'v' then remove(key, value) end
    return code, at + 2
  elseif kind == 'f' then
    local value = get(key)
    if not value then
      put(key, ARGV[at + 2], false)
      return 'i', at + 3
    end
    return add_value(value), at + 3
  elseif kind == 't' then
    return announce(key, ARGV[at + 2]), at + 3
  elseif kind == 'o' then
    return announce(key, false), at + 2
  end
  if is_empty() then return 'f', at + 1 end
  if commit then note_clear() end
  overlay, order = {}, {}
  cleared, removed, present = true, 0, 0
  effect_count, effects_in_group = effect_count + 1, effects_in_group + 1
  effects[effect_count] = 'c'
  return 't', at + 1
end

local ARITY = { s = 3, d = 2, p = 2, f = 3, t = 3, o = 2, c = 1, v = 2, u = 3 }

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

-- Executes a group of operations from this position on. Returns the position behind it.
local function execute_group(at, operations, author)
  if past then commit, places = {}, {} end
  effects_in_group = 0
  for _ = 1, operations do codes[#codes + 1], at = execute(at) end
  if effects_in_group > 0 then
    local number = #authors + 1
    authors[number], counts[number], commits[number] = author, effects_in_group, commit
    has_author = has_author or author ~= NOBODY
  end
  return at
end

local at, count, only_asks = 5, #ARGV, false
while at <= count do
  local operations, met = 1, true
  author, at = read_author(at)
  if ARGV[at] == 'g' then
    local conditions = tonumber(ARGV[at + 2])
    operations, at = tonumber(ARGV[at + 1]), at + 3
    only_asks = only_asks or (asks and operations + conditions == 0)
    for _ = 1, conditions do
      met = met and is_met(at)
      at = at + ARITY[ARGV[at]]
    end
  end
  if met then
    at = execute_group(at, operations, author)
  else
    codes[#codes + 1] = 'x'
    for _ = 1, operations do at = at + ARITY[ARGV[at]] end
  end
end
codes = table.concat(codes)

if effect_count == 0 and not only_asks and not string.find(flags, 'r', 1, true) then return answer(codes, values) end

local change = append(effects, effect_bytes, codes, values, commits, authors,
  has_author and notes_of(authors, counts) or nil)

-- Writes these values of the keys; `false` is absent. Returns by how many the number of entries changed.
local function write_all(keys, by_key)
  local sets, deletes = {}, {}
  for _, key in ipairs(keys) do
    local value = by_key[key]
    if value then
      sets[#sets + 1], sets[#sets + 2] = key, value
    else
      deletes[#deletes + 1] = key
    end
  end
  return call_with_list('HSET', entries_key, sets) - call_with_list('HDEL', entries_key, deletes)
end

-- Makes the stored entries a hash of the history, as they were when the group that cleared them began. This takes the same time
-- for any number of entries.
local function keep_cleared()
  write_all(start_keys, start_of)
  if call('HLEN', entries_key) == 0 then return end
  call('RENAME', entries_key, history_key .. ':' .. first_clear.position)
end

if cleared then
  if first_clear then keep_cleared() else call('DEL', entries_key) end
  size = 0
end
size = size + write_all(order, overlay)
finish(change)
return answer(codes, values)
