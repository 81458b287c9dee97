-- Removes an author from all stored commits, and from the log of changes: whoever is behind loads everything.
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
call('LTRIM', log_key, 1, 0)
if call('HGET', meta_key, 'bytes') then call('HSET', meta_key, 'bytes', 0) end
return count
