-- The history of commits: follows prelude.lua in the scripts that use it.
--
-- KEYS[5]          the commits: a sorted set of texts by position. The first line of a text is
--                    format 1 commit <position> at <ms since 1970> version <the state after its batch>
--                  The rest is fields: name, length in bytes, value, as in `by 3 ada`, each with a newline. First, if known, `by`,
--                  `reason` and `via`; `cleared` if KEYS[5]:<position> exists; then for each key `key`, `before` and `after`. A
--                  side is missing if the key was absent. Readers ignore fields that they do not know.
-- KEYS[5]:7        the entries that commit 7 removed by a clear, as they were: a hash. Those that the text does not name became
--                  absent.
-- KEYS[5]:index    position, time and key of each commit, as comma-separated JSON. If a commit changed several keys: 1 instead of
--                  the key; 2 if it has a hash
-- KEYS[5]:dropped  key to the position of the newest commit of it that retention dropped, if that is above the floor: a hash
--
-- Fields of the metadata:
--   keep  the policy: the most commits and the greatest age in days, '1000 90'. '0 0': no history.
--   past  position number floor commits epoch: the position of the newest commit, the number of the version that it led to, the
--         floor, how many commits are stored, and the name of this history. Each version after that number has one commit more.
--         If fewer are stored, something was committed without an entry, and the floor rises to the newest commit.
--   due   the number of the version from which on a set must run the whole script; absent: the next one must
--   shift the position of a commit, less the number of its version; absent if no history is kept

local history_key = KEYS[5]
local DAY, AGE_EVERY = 86400000, 64

-- Returns the policy: the most commits and the greatest age in days, or nil if no history is kept.
local function limits_of(text)
  local keep, days = string.match(text or '1000 90', '^(%d+) ([%d.e+-]+)$')
  keep, days = tonumber(keep), tonumber(days)
  if not keep or not days then return 1000, 90 end
  if keep > 0 then return keep, days end
end

-- Returns what is known of the history. A dictionary that existed before its history begins at position 1, which is
-- then the floor.
local function past_of(text, head, size)
  local position, number, floor, commits, epoch
  if text and #text <= 96 then
    position, number, floor, commits, epoch = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%x+)$')
  end
  if position then
    local present = is_head(head) and parts(head) or 0
    local since = present - number
    if since < 0 or since > 1000000 then since = 0 end
    local past = {
      position = position + since, number = number + since, floor = tonumber(floor), commits = commits + since, epoch = epoch,
      recorded = tonumber(position),
    }
    local stored = redis.pcall('ZCARD', history_key)
    past.is_current = past.number == present and stored == past.commits
    return past
  end
  local first = size == 0 and (not is_head(head) or parts(head) == 1) and 0 or 1
  return { position = first, number = 0, floor = first, commits = 0 }
end

local function digits(number)
  return string.format('%.0f', number)
end

local function past_text(past)
  local text = '%.0f %.0f %.0f %.0f %s'
  return string.format(text, past.position, past.number, past.floor, past.commits, past.epoch)
end

-- The time of the server's clock, in ms since 1970.
local function time()
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Calls `work` with each field of a commit: its name, its value, where it begins and where the next one does. Stops when that
-- returns true, or where the text is damaged.
local function each_field(text, work)
  local at = (string.find(text, '\n', 1, true) or #text) + 1
  while at <= #text do
    local name, length, from = string.match(text, '^(%w+) (%d+) ()', at)
    if not name then return end
    local next_at = from + length + 1
    if work(name, string.sub(text, from, next_at - 2), at, next_at) then return end
    at = next_at
  end
end

-- Returns functions that most commits do not need: creating them takes longer than many a commit.
local function history_tools()
  local index_key, dropped_key = history_key .. ':index', history_key .. ':dropped'

  -- Returns the index as a flat list of position, time, key, and as it is stored; nil if it is damaged.
  local function read_index()
    local text = call('GETRANGE', index_key, 0, -1)
    local is_json, index = pcall(cjson.decode, '[' .. text .. '0]')
    if not is_json or #index % 3 ~= 1 then return nil end
    index[#index] = nil
    return index, text
  end

  -- Fails if a key belongs to another program. UNLINK would remove it.
  local function check_types()
    call('ZCARD', history_key)
    call('GETRANGE', index_key, 0, 0)
    call('HLEN', dropped_key)
  end

  -- Drops every commit.
  local function drop_all(past)
    check_types()
    local index = read_index() or {}
    for at = 1, #index, 3 do
      if index[at + 2] == 2 then call('UNLINK', history_key .. ':' .. index[at]) end
    end
    call('UNLINK', history_key, index_key, dropped_key)
    past.floor, past.commits = past.position, 0
  end

  -- Begins a history where there is none, or after a change without an entry.
  local function begin(past, entropy)
    drop_all(past)
    past.epoch = past.epoch or string.sub(redis.sha1hex(entropy .. 'history'), 1, 12)
    past.is_current = true
  end

  -- The same as src/contract/retention.ts, on a flat list of position, time and key: marks in `gone` which commits to drop, by
  -- their number in the list.
  local function choose_surplus(index, first, surplus, gone)
    local last, counts, keys_with, length = #index / 3, {}, {}, 1
    for number = first, last do
      local key = index[number * 3]
      if type(key) == 'string' then counts[key] = (counts[key] or 0) + 1 end
    end
    for _, count in pairs(counts) do
      keys_with[count] = (keys_with[count] or 0) + 1
      if count > length then length = count end
    end
    -- Cuts all keys to the same number of commits, as long as that drops no more than the surplus. Some then lose one more.
    local longer, left = keys_with[length] or 0, surplus
    while length > 1 and longer <= left do
      left, length = left - longer, length - 1
      longer = longer + (keys_with[length] or 0)
    end
    for number = first, last do
      local count = counts[index[number * 3]]
      local is_more = count == length and length > 1 and left > 0
      if count and (count > length or is_more) then
        gone[number], counts[index[number * 3]] = true, count - 1
        if is_more then left = left - 1 end
      end
    end
    for number = first, last do
      if left == 0 then return end
      if not gone[number] then gone[number], left = true, left - 1 end
    end
  end

  local function retain(index, keep, days, now, floor)
    local count, cutoff, first = #index / 3, now - days * DAY, 1
    local gone = {}
    while first <= count and tonumber(index[first * 3 - 1]) < cutoff do
      gone[first] = true
      first = first + 1
    end
    local surplus = count - first + 1 - keep
    if surplus > 0 then choose_surplus(index, first, surplus, gone) end
    local kept = 1
    while kept <= count and gone[kept] do kept = kept + 1 end
    if kept > 1 then floor = math.max(floor, tonumber(index[(kept - 1) * 3 - 2])) end
    local dropped = {}
    for number = kept, count do
      local position, key = index[number * 3 - 2], index[number * 3]
      if gone[number] and type(key) == 'string' and tonumber(position) > floor then dropped[key] = position end
    end
    return gone, floor, dropped
  end

  -- Runs the command with a list of any length.
  local function call_with_list(command, key, list)
    for first = 1, #list, 1000 do call(command, key, unpack(list, first, math.min(first + 999, #list))) end
  end

  -- Updates the positions of dropped commits by key.
  local function remember_dropped(dropped, floor, has_risen)
    local added, outdated = {}, {}
    for key, position in pairs(dropped) do added[#added + 1], added[#added + 2] = key, position end
    call_with_list('HSET', dropped_key, added)
    if not has_risen then return end
    local all = call('HGETALL', dropped_key)
    for at = 1, #all, 2 do
      if (tonumber(all[at + 1]) or 0) <= floor then outdated[#outdated + 1] = all[at] end
    end
    call_with_list('HDEL', dropped_key, outdated)
  end

  -- Removes the commits in `gone`. Returns how many are left, and whether all that are gone are older.
  local function remove(index, gone)
    local left, are_older, from = 0, true, nil
    for number = 1, #index / 3 do
      if gone[number] then
        local position = index[number * 3 - 2]
        from, are_older = from or position, are_older and left == 0
        if not gone[number + 1] then
          call('ZREMRANGEBYSCORE', history_key, from, position)
          from = nil
        end
        if index[number * 3] == 2 then call('UNLINK', history_key .. ':' .. position) end
      else
        left = left + 1
      end
    end
    return left, are_older
  end

  -- Returns the stored index from a commit on. Quotes in keys are escaped, so no key looks like the start of a commit.
  local function from_commit(text, index, number)
    local start = string.find(text, '"' .. index[number * 3 - 2] .. '","' .. index[number * 3 - 1] .. '",', 1, true)
    return start and string.sub(text, start)
  end

  local function without(index, gone)
    local kept, count = {}, 0
    for number = 1, #index / 3 do
      if not gone[number] then
        kept[count + 1], kept[count + 2], kept[count + 3] = unpack(index, number * 3 - 2, number * 3)
        count = count + 3
      end
    end
    return string.sub(cjson.encode(kept), 2, -2) .. ','
  end

  -- Drops what the policy no longer keeps. If the stored commits are not those of the metadata, other programs changed them:
  -- drops all.
  local function trim(past, keep, days, now)
    local index, text = read_index()
    if not index or #index / 3 ~= past.commits or call('ZCARD', history_key) ~= past.commits then return drop_all(past) end
    local gone, floor, dropped = retain(index, keep, days, now, past.floor)
    local left, are_older = remove(index, gone)
    if left == #index / 3 then return end
    if left == 0 then call('UNLINK', index_key)
    else call('SET', index_key, are_older and from_commit(text, index, #index / 3 - left + 1) or without(index, gone)) end
    remember_dropped(dropped, floor, floor > past.floor)
    past.floor, past.commits = floor, left
  end

  return {
    index_key = index_key, dropped_key = dropped_key, read_index = read_index, check_types = check_types,
    drop_all = drop_all, begin = begin, retain = retain, trim = trim,
  }
end
