-- What every script begins with: the shebang comes before it, the script's own file after it.
--
-- KEYS[1]  the entries: a plain hash, key to stored value
-- KEYS[2]  what is known of them: a hash
--            head   the version: number-epoch-nonce, see below
--            size   HLEN of the entries as the history knows it
--            bytes  length of all changes in the log together
--            bound  the largest maxStaleness in use, in ms
-- KEYS[3]  the log: a list of changes, each led to by the one before, the last one leading to the head
--
-- A version is never made twice: its nonce names the one sending of the one batch that made it ("batch.sending"). Its
-- number says where in the log to look for what came after. Its epoch names the history: another where it was cut.
--
-- A change, in the log and as a message on the channel named as KEYS[2]: a JSON array of
--   previous version, version, effects, outcome codes, outcome values...
-- Effects are one flat array: 's',key,value  'd',key  'c'; or the string '?' where they are too large to be kept.
-- The message '' stands for a change that must be asked for.

local entries_key, meta_key, log_key = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call

-- Number and epoch of a version.
local function parts(version)
  local number, epoch = string.match(version, '^(%d+)%-([^-]*)')
  return tonumber(number), epoch
end

-- Begins a history with the entries as they are: where there is none yet (the entries, if any, were written by another
-- program), and where the number of entries is not what the history says (evicted, deleted or written by strangers).
local function found(head, size, nonce)
  local number = head and parts(head) or 0
  -- With the time: a client that sends again by itself sends the same nonce.
  local now = call('TIME')
  local founded = number + 1 .. '-' .. nonce .. '.' .. now[1] .. now[2] .. '-' .. nonce
  -- Not DEL: a key of another type is someone else's.
  call('LTRIM', log_key, 1, 0)
  call('HSET', meta_key, 'head', founded, 'size', size, 'bytes', 0)
  redis.pcall('SPUBLISH', meta_key, '')
  return founded
end

-- The present head, number of entries, length of the log in bytes, and bound.
local function look(nonce)
  local meta = call('HMGET', meta_key, 'head', 'size', 'bytes', 'bound')
  local head, size = meta[1], call('HLEN', entries_key)
  if not head or tonumber(meta[2]) ~= size then
    return found(head, size, nonce), size, 0, meta[4] or '0'
  end
  return head, size, tonumber(meta[3]) or 0, meta[4] or '0'
end

-- The changes that lead from a version to the head. Nothing where they cannot be had; the second result is then 1 where
-- the version is not of this history, and 0 where the log may only be too short.
local function since(version, head)
  if version == head then return {} end
  local from, epoch = parts(version)
  local to, present = parts(head)
  if not from then return nil, 0 end
  if epoch ~= present or from >= to then return nil, 1 end
  local changes = call('LRANGE', log_key, from - to, -1)
  if #changes < to - from then return nil, 0 end
  local first = '["' .. version .. '"'
  if string.sub(changes[1], 1, #first) == first then return changes end
  return nil, 1
end
