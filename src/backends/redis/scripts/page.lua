-- Returns commits of the history, newest first.
--
-- ARGV[1]  the most commits to return
-- ARGV[2]  '' all; 'k' those that touched a key; 'i' the one at a position
-- ARGV[3]  the key or the position
-- ARGV[4]  the position of the oldest commit that the caller has; '' none
-- ARGV[5]  the epoch and ARGV[6] the tag of the id that the caller names; '' none
--
-- Returns 0 if the id of the oldest commit that the caller has belongs to no commit of this history, else
--   epoch, floor, more, dropped, commit...
-- where more is 1 if the page ended early because it is large; dropped is a flat list of keys and positions; and a commit is
--   position, text, entries: the entries of its hash as a flat list, or their number if there are too many

local PAGE_BYTES, HASH_ENTRIES, STEP = 1048576, 1000, 50

local tools = history_tools()
local limit, by, wanted, older = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local meta = call('HMGET', meta_key, 'head', 'past')
local size = call('HLEN', entries_key)
local past = past_of(meta[2], meta[1], size)
local floor = past.floor
-- A change without an entry, or commits that other programs changed. The next writer begins again from here.
if not past.is_current then floor = past.position end

-- Whether the commit has this field, with this value if one is named.
local function has(text, name, value)
  local found = false
  each_field(text, function(one, other)
    found = one == name and (not value or other == value)
    return found or (one == 'key' and not value)
  end)
  return found
end

-- Returns the commit at a position, or nil.
local function text_at(position)
  return call('ZRANGEBYSCORE', history_key, position, position)[1]
end

-- Whether the id that the caller names is one of this history. A commit that was dropped since counts.
local function is_known(position)
  if ARGV[5] == '' then return true end
  if ARGV[5] ~= past.epoch or tonumber(position) > past.position then return false end
  local text = text_at(position)
  local version = text and string.match(text, '^[^\n]* version ([^\n]*)\n') or ''
  return not text or string.sub(redis.sha1hex(version), 1, 12) == ARGV[6]
end

if by ~= 'i' and not is_known(ARGV[4]) then return 0 end

local reply, bytes = { past.epoch or '', floor, 0, {} }, 0

-- Returns false if the page is full.
local function add(position, text)
  local entries = {}
  if has(text, 'cleared') then
    local hash = history_key .. ':' .. digits(position)
    local count = call('HLEN', hash)
    entries = count > HASH_ENTRIES and count or call('HGETALL', hash)
  end
  bytes = bytes + #text
  reply[#reply + 1] = { position, text, entries }
  return #reply - 4 < limit and bytes < PAGE_BYTES
end

local newest = digits(older and older - 1 or past.position)
local oldest = digits(floor + 1)

-- Reads few at a time: each may be large.
local function add_latest()
  local skipped = 0
  while true do
    local commits = call('ZREVRANGEBYSCORE', history_key, newest, oldest, 'WITHSCORES', 'LIMIT', skipped, math.min(limit, STEP))
    for at = 1, #commits, 2 do
      if not add(tonumber(commits[at + 1]), commits[at]) then return end
    end
    if #commits == 0 then return end
    skipped = skipped + #commits / 2
  end
end

local function touches(text, position, only, key)
  if only == key or has(text, 'key', key) then return true end
  return only == 2 and call('HGET', history_key .. ':' .. digits(position), key)
end

local function add_of_key(key)
  local index = tools.read_index() or {}
  for at = #index - 2, 1, -3 do
    local position, only = tonumber(index[at]), index[at + 2]
    if position <= floor then return end
    if position <= tonumber(newest) and (only == key or type(only) == 'number') then
      local text = text_at(index[at])
      if text and touches(text, position, only, key) and not add(position, text) then return end
    end
  end
end

if by == 'i' then
  local text = tonumber(wanted) > floor and is_known(wanted) and text_at(wanted)
  if text then add(tonumber(wanted), text) end
elseif by == 'k' then
  add_of_key(wanted)
  local position = call('HGET', tools.dropped_key, wanted)
  if position then reply[4] = { wanted, position } end
else
  add_latest()
end
if by ~= 'k' then reply[4] = call('HGETALL', tools.dropped_key) end
if bytes >= PAGE_BYTES and #reply - 4 < limit then reply[3] = 1 end
return reply
