-- Removes an author from all stored commits, and from the log of changes.
--
-- ARGV[1]  the author
--
-- Returns the number of commits.

local STEP = 100

-- Returns the text without the author, or nil if it has another one.
local function without_author(text)
  local result
  each_field(text, function(name, value, from, next_at)
    if name == 'by' and value == ARGV[1] then result = string.sub(text, 1, from - 1) .. string.sub(text, next_at) end
    return result or name == 'key'
  end)
  return result
end

-- Returns the change of the log without the author, sealed again, or the same if it has another one. Returns nil if it is damaged.
local function without_author_in_log(record, seal)
  local is_json, change = pcall(cjson.decode, string.sub(record, SEAL_LENGTH + 1))
  if not is_json or type(change) ~= 'table' or type(change[4]) ~= 'string' then return nil end
  local _, values = string.gsub(change[4], 'v', 'v')
  local place = 5 + values
  local has_extension, extension = pcall(cjson.decode, change[place] or '')
  if not has_extension or type(extension) ~= 'table' or type(extension.notes) ~= 'table' then return record end
  local is_named = false
  for _, note in ipairs(extension.notes) do
    if type(note) == 'table' and note.by == ARGV[1] then note.by, is_named = nil, true end
  end
  if not is_named then return record end
  change[place] = cjson.encode(extension)
  local text = cjson.encode(change)
  return seal_of(text, seal) .. text
end

-- Writes the log again if a change names the author. If it is damaged, it is emptied: whoever is behind loads everything.
local function forget_in_log(seal)
  local name = string.sub(cjson.encode(cjson.encode(ARGV[1])), 2, -2)
  local records, is_named, bytes = call('LRANGE', log_key, 0, -1), false, 0
  for at, record in ipairs(records) do
    if string.find(record, name, 1, true) then
      is_named = true
      records[at] = without_author_in_log(record, seal)
      if not records[at] then
        records = {}
        bytes = 0
        break
      end
    end
    bytes = bytes + #records[at]
  end
  if not is_named then return end
  call('LTRIM', log_key, 1, 0)
  for first = 1, #records, STEP do call('RPUSH', log_key, unpack(records, first, math.min(first + STEP - 1, #records))) end
  if call('HGET', meta_key, 'bytes') then call('HSET', meta_key, 'bytes', bytes) end
end

history_tools().check_types()
local count, skipped = 0, 0
while true do
  local commits = call('ZRANGE', history_key, skipped, skipped + STEP - 1, 'WITHSCORES')
  for at = 1, #commits, 2 do
    local text = without_author(commits[at])
    if text then
      call('ZREM', history_key, commits[at])
      call('ZADD', history_key, commits[at + 1], text)
      count = count + 1
    end
  end
  if #commits == 0 then break end
  skipped = skipped + STEP
end
forget_in_log(call('HGET', meta_key, 'seal') or '')
return count
