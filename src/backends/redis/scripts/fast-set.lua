-- The start of commit.lua for the most frequent batch: one set by nobody in particular, on the state that the caller has. It does what
-- commit.lua does, without a function: creating those takes longer than such a commit. Everything unusual is left to what follows,
-- and nothing is written before that is decided.
--
-- It relies on what a slower commit has left in the metadata: `own`, which shows that no release without it has written since, so that
-- the rest is well-formed and the copy of the head is there, and `shift` and `due` (see history.lua).
--
-- Such a batch is sent in a short form:
--   KEYS[1]  outside a cluster, the only key that is named: '<prefix>{name}:meta' or, without a prefix, 'name'
--   ARGV[1]  base and nonce, with a space between them; or with '+' between them if the nonce begins with the same 12 characters as that
--            of the base, which are then left out. The number of the attempt is left out if it is 1.
--   ARGV[2]  the key    ARGV[3]  the value
--
-- Returns the largest recorded bound: the caller knows the rest. Or -1 if nothing was executed, because this needs entropy: then the
-- caller sends the long form.

local KEYS, ARGV = KEYS, ARGV

if #KEYS == 1 then
  local prefix, name = string.match(KEYS[1], '^(.*){([^{}]*)}:meta$')
  if not name then prefix, name = '', KEYS[1] end
  local start = prefix .. '{' .. name .. '}:'
  KEYS = { prefix .. name, start .. 'meta', start .. 'log', start .. 'head', start .. 'history' }
end

if #ARGV == 3 then
  local call, pcall = redis.call, redis.pcall
  local entries_key, meta_key, log_key, head_key, key, value = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[2], ARGV[3]
  local number, epoch, author, mark, nonce = string.match(ARGV[1], '^(%d+)(%-[^-]*%-)([^+ ]*)([+ ])(.*)$')
  if not number then return -1 end
  local base = number .. epoch .. author
  if mark == '+' then nonce = string.sub(author, 1, 12) .. nonce end
  if not string.find(nonce, '.', 1, true) then nonce = nonce .. '.1' end
  local meta = call('HMGET', meta_key, 'head', 'size', 'bytes', 'bound', 'seal', 'shift', 'due', 'own')
  local size, bytes, bound, seal, shift, due = meta[2], meta[3], meta[4], meta[5], meta[6], meta[7]
  local is_fast = meta[1] == base and meta[8] == base and size and due and seal and #seal == 40 and bytes and string.find(bytes, '^%d+$')
    and (not bound or (#bound <= 10 and string.find(bound, '^%d+$') and tonumber(bound) <= 2147483647))
    and #key + #value < 131072 and call('HLEN', entries_key) == tonumber(size)
  if is_fast and #number < 15 and tonumber(number) < tonumber(due) then
    number = number + 1
    local version = number .. epoch .. nonce
    local key_json = cjson.encode(key)
    local change = '["' .. base .. '","' .. version .. '",["s",' .. key_json .. ',' .. cjson.encode(value) .. '],"u"]'
    change = string.sub(redis.sha1hex(seal .. change .. seal), 1, 20) .. change
    local length = call('RPUSH', log_key, change)
    if shift then
      -- Each conversion of a number to text takes as long as a short command.
      local position, before, now = string.format('%.0f', number + shift), call('HGET', entries_key, key), call('TIME')
      local at = now[1] .. string.sub('00000' .. now[2], -6, -4)
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
    if call('HSET', entries_key, key, value) == 1 then size = string.format('%.0f', size + 1) end
    call('HSET', meta_key, 'head', version, 'size', size, 'bytes', bytes, 'own', version)
    -- Not if the key belongs to another program: with GET, it fails.
    pcall('SET', head_key, version .. ' ' .. size, 'GET')
    pcall('SPUBLISH', meta_key, change)
    return tonumber(bound or 0)
  end
  ARGV = { base, nonce, '', '', 's', key, value }
end
