-- The start of commit.lua for the most frequent batch: one set by nobody in particular, on the state that the caller has. It does what
-- commit.lua does, without a function: creating those takes longer than such a commit. Everything unusual is left to what follows,
-- and nothing is written before that is decided.
--
-- It relies on what a slower commit has left in the metadata: `own`, which shows that no release without it has written since, so that
-- the rest is well-formed and the copy of the head is there, and `shift` and `due` (see history.lua).
--
-- Such a batch is sent in a short form:
--   KEYS[1]  the metadata, '{name}:meta': outside a cluster, no other key is named
--   ARGV[1]  base    ARGV[2]  the nonce    ARGV[3]  the key    ARGV[4]  the value
--
-- Returns the largest recorded bound: the caller knows the rest. Or -1 if nothing was executed, because this needs entropy: then the
-- caller sends the long form.

local KEYS, ARGV = KEYS, ARGV

if #KEYS == 1 then
  local prefix, name = string.match(KEYS[1], '^(.*){([^{}]*)}:meta$')
  local start = string.sub(KEYS[1], 1, -5)
  KEYS = { prefix .. name, KEYS[1], start .. 'log', start .. 'head', start .. 'history' }
end

if #ARGV == 4 and #ARGV[3] + #ARGV[4] < 131072 then
  local call, pcall = redis.call, redis.pcall
  local entries_key, meta_key, log_key, head_key, base, key, value = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], ARGV[3], ARGV[4]
  local meta = call('HMGET', meta_key, 'head', 'size', 'bytes', 'bound', 'seal', 'shift', 'due', 'own')
  local size, bytes, bound, seal, shift, due = meta[2], meta[3], meta[4], meta[5], meta[6], meta[7]
  local is_fast = meta[1] == base and meta[8] == base and size and due and seal and #seal == 40 and bytes and string.find(bytes, '^%d+$')
    and (not bound or (#bound <= 10 and string.find(bound, '^%d+$') and tonumber(bound) <= 2147483647))
    and call('HLEN', entries_key) == tonumber(size)
  local number, epoch = string.match(is_fast and base or '', '^(%d+)(%-[^-]*%-)')
  if number and #number < 15 and tonumber(number) < tonumber(due) then
    number = number + 1
    local version = number .. epoch .. ARGV[2]
    local key_json = cjson.encode(key)
    local change = '["' .. base .. '","' .. version .. '",["s",' .. key_json .. ',' .. cjson.encode(value) .. '],"u"]'
    change = string.sub(redis.sha1hex(seal .. change .. seal), 1, 20) .. change
    local length = call('RPUSH', log_key, change)
    if shift then
      -- As text, because each conversion of a number takes as long as a short command.
      local position, before, now = string.format('%.0f', number + shift), call('HGET', entries_key, key), call('TIME')
      local at = now[1] .. string.sub(now[2] + 1000000, 2, 4)
      local done = pcall('ZADD', KEYS[5], position, 'format 1 commit ' .. position .. ' at ' .. at .. ' version ' .. version .. '\nkey '
        .. #key .. ' ' .. key .. (before and '\nbefore ' .. #before .. ' ' .. before or '') .. '\nafter ' .. #value .. ' ' .. value .. '\n')
      if type(done) == 'number' then
        done = pcall('APPEND', KEYS[5] .. ':index', '"' .. position .. '","' .. at .. '",' .. key_json .. ',')
      end
      if type(done) ~= 'number' then
        call('RPOP', log_key)
        pcall('ZREMRANGEBYSCORE', KEYS[5], position, position)
        return done
      end
    end
    bytes = bytes + #change
    if length > 10001 then
      call('LTRIM', log_key, -1, -1)
      bytes = #change
    elseif length > 10000 then
      -- Some more, so that the next ones need not.
      for _, dropped in ipairs(call('LPOP', log_key, 64)) do bytes = bytes - #dropped end
    else
      while bytes > 4194304 do
        length, bytes = length - 1, bytes - #(call('LPOP', log_key) or change)
        if length <= 0 then break end
      end
    end
    if bytes < 0 then bytes = 0 end
    size = string.format('%.0f', size + call('HSET', entries_key, key, value))
    call('HSET', meta_key, 'head', version, 'size', size, 'bytes', bytes, 'own', version)
    -- Not if the key belongs to another program: with GET, it fails.
    pcall('SET', head_key, version .. ' ' .. size, 'GET')
    pcall('SPUBLISH', meta_key, change)
    return tonumber(bound or 0)
  end
end

if #ARGV == 4 then ARGV = { ARGV[1], ARGV[2], '', '', 's', ARGV[3], ARGV[4] } end
