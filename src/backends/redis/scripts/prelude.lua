-- What every script begins with: the shebang and `local READ_ONLY = …` come before it, the script's own file after it.
--
-- KEYS[1]  the entries: a plain hash, key to stored value
-- KEYS[2]  what is known of them: a hash
--            head   the version: number-epoch-nonce, see below
--            size   HLEN of the entries as the history knows it
--            bytes  length of all changes in the log together
--            bound  the largest maxStaleness in use, in ms
--            seal   a secret that all who may read this key share; made anew with each history
-- KEYS[3]  the log: a list of changes, each led to by the one before, the last one leading to the head
--
-- A version is never made twice: its nonce names the one sending of the one batch that made it ("batch.sending"). Its
-- number says where in the log to look for what came after. Its epoch names the history: another where it was cut.
--
-- A change, in the log and as a message on the channel named as KEYS[2]: 20 hexadecimal digits, its seal, then a JSON array of
--   previous version, version, effects, outcome codes, outcome values...
-- Effects are one flat array: 's',key,value  'd',key  'c'; or the string '?' where they are too large to be kept.
-- The message '' stands for a change that must be asked for. Whoever does not know the secret cannot make a seal, so the right
-- to publish alone puts nothing into anyone's memory.
--
-- Nothing that is stored is trusted: what does not have the shape described here is as good as missing. No loop runs longer
-- than the arguments, or the log's limits, allow.

local entries_key, meta_key, log_key = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call

local LOG_LENGTH, LOG_BYTES = 10000, 4194304
local SEAL_LENGTH = 20
-- The longest delay that clients can wait, in ms.
local LONGEST_BOUND = 2147483647

-- Number and epoch of a version.
local function parts(version)
  local number, epoch = string.match(version, '^(%d+)%-([^-]*)')
  return tonumber(number), epoch
end

-- The version after it, of the same epoch.
local function following(version, nonce)
  local number, epoch = parts(version)
  return string.format('%.0f-%s-%s', number + 1, epoch, nonce)
end

-- Numbers of up to 15 digits are exact.
local function is_head(text)
  if not text or #text > 4096 or not string.find(text, '^%d+%-[%w_%%.]+%-[%w_%%]+%.%d+$') then return false end
  return #string.match(text, '^%d+') <= 15
end

-- A count as it is written here; nothing where it is none.
local function count_of(text)
  return text and #text <= 15 and string.find(text, '^%d+$') and tonumber(text) or nil
end

-- A bound as it is written here; '0' where there is none; nothing where it is malformed.
local function bound_of(text)
  if not text then return '0' end
  local well = #text <= 30 and string.find(text, '^%d+%.?%d*$') and tonumber(text) <= LONGEST_BOUND
  return well and text or nil
end

local function is_seal(text)
  return text and #text == 40
end

local function seal_of(change, secret)
  return string.sub(redis.sha1hex(secret .. change .. secret), 1, SEAL_LENGTH)
end

-- Begins a history with the entries as they are: where there is none yet (the entries, if any, were written by another
-- program), where the number of entries is not what the history says (evicted, deleted or written by external writers), and where what
-- is known of it is malformed. Gives its head and its seal.
local function found(head, size, nonce, entropy)
  local number = is_head(head) and parts(head) or 0
  -- With the time: a client that sends again by itself sends the same nonce.
  local now = call('TIME')
  local founded = string.format('%.0f-%s.%s%s-%s', number + 1, nonce, now[1], now[2], nonce)
  local seal = redis.sha1hex(entropy .. founded)
  -- Not DEL: a key of another type is someone else's.
  call('LTRIM', log_key, 1, 0)
  call('HSET', meta_key, 'head', founded, 'size', size, 'bytes', 0, 'seal', seal)
  redis.pcall('SPUBLISH', meta_key, '')
  return founded, seal
end

-- The head of a reader that may not begin a history: another whenever the number of entries is.
local function counted(head, size)
  local number = is_head(head) and parts(head) or 0
  return string.format('%.0f-counted.%d.%s-none.0', number, size, redis.sha1hex(head or ''))
end

-- The present head, number of entries, length of the log in bytes, bound, and seal.
local function look(nonce, entropy)
  local meta = call('HMGET', meta_key, 'head', 'size', 'bytes', 'bound', 'seal')
  local head, bytes, bound, seal = meta[1], count_of(meta[3]), bound_of(meta[4]), meta[5]
  local size = call('HLEN', entries_key)
  if is_head(head) and count_of(meta[2]) == size and bytes and bound and is_seal(seal) then
    return head, size, bytes, bound, seal
  end
  if READ_ONLY then return counted(head, size), size, 0, bound or '0', '' end
  -- Whoever relies on a bound records it again once the history is another.
  if not bound then call('HDEL', meta_key, 'bound') end
  head, seal = found(head, size, nonce, entropy)
  return head, size, 0, bound or '0', seal
end

-- The changes that lead from a version to the head. Nothing where they cannot be had; the second result is then 1 where
-- the version is not of this history, 2 where the log is damaged, and 0 where it may only be too short.
local function since(version, head)
  if version == head then return {} end
  local from, epoch = parts(version)
  local to, present = parts(head)
  if not from then return nil, 0 end
  if epoch ~= present or from >= to then return nil, 1 end
  if to - from > LOG_LENGTH then return nil, 0 end
  local changes = call('LRANGE', log_key, string.format('%.0f', from - to), -1)
  if #changes < to - from then return nil, 0 end
  local first = '["' .. version .. '"'
  if string.sub(changes[1], SEAL_LENGTH + 1, SEAL_LENGTH + #first) == first then return changes end
  return nil, string.find(changes[1], '^%x+%["') and 1 or 2
end
