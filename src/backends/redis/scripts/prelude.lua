-- The start of every script. The shebang and `local READ_ONLY = …` precede it; the script's own file follows it.
--
-- KEYS[1]  the entries: a plain hash, key to stored value
-- KEYS[2]  the metadata: a hash
--            head   the version: number-epoch-nonce, see below
--            size   HLEN of the entries after the latest change
--            bytes  total length of all changes in the log
--            bound  the largest maxStaleness in use, in ms
--            seal   a secret shared by all clients that may read this key; each history has a new one
--            own    the head, if no release without this field has written since
--            covered, unregistered  see registry.lua
--            format 1; readers ignore fields that they do not know
--            keep, past  see history.lua
-- KEYS[3]  the log: a list of changes; each one follows the one before it, and the last one leads to the head
-- KEYS[4]  a copy of the head and the size, with a space between them: a string, so that GETEX can read it. The metadata decides:
--          a release that does not know the copy leaves it behind, and then readers run a script. A copy that is ahead of the head
--          shows that the metadata was set back.
--
-- A version never recurs: its nonce ("batch.attempt") names the one attempt of the one batch that created it. Its
-- number determines where in the log later changes are. Its epoch names the history: a new epoch starts
-- whenever the chain of changes was broken.
--
-- A change, in the log and as a message on the channel named like KEYS[2], is its seal (20 hexadecimal digits) and a JSON array of
--   previous version, version, effects, outcome codes, outcome values..., extension
-- Effects are one flat array: 's',key,value  'd',key  'c'; or the string '?' if they are too large to keep. There is one value
-- for each code 'v', unless the codes are '?'. The extension is a JSON object as text, left out if it says nothing:
--   format  2; readers ignore members that they do not know
--   notes   one for each group with effects: how many, and, if known, `by`, `reason` and `via`
--   acknowledge  true if each replica with a bound must note in the registry that it has applied the change
-- The message '' means that the reader must ask for the change. A client without the secret cannot create a seal, so the right
-- to publish is not enough to inject a change into a replica.
--
-- Stored data is never trusted: a record without the shape described here counts as missing. The arguments and the limits of
-- the log bound every loop.

local entries_key, meta_key, log_key, head_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local call = redis.call

local LOG_LENGTH, LOG_BYTES = 10000, 4194304
local SEAL_LENGTH = 20
local EPOCH_LENGTH = 10
-- The longest delay of a client's timer, in ms.
local LONGEST_BOUND = 2147483647

-- Returns the number and the epoch of a version.
local function parts(version)
  local number, epoch = string.match(version, '^(%d+)%-([^-]*)')
  return tonumber(number), epoch
end

-- Returns the next version of the same epoch.
local function next_version(version, nonce)
  local number, epoch = parts(version)
  return string.format('%.0f-%s-%s', number + 1, epoch, nonce)
end

-- Numbers of up to 15 digits are exact.
local function is_head(text)
  if not text or #text > 4096 or not string.find(text, '^%d+%-[%w_%%.]+%-[%w_%%]+%.%d+$') then return false end
  return #string.match(text, '^%d+') <= 15
end

-- Returns the count, or nil if the text is not a count that a script wrote.
local function count_of(text)
  return text and #text <= 15 and string.find(text, '^%d+$') and tonumber(text) or nil
end

-- Returns the bound as text: '0' if there is none, nil if it is malformed.
local function bound_of(text)
  if not text then return '0' end
  local is_valid = #text <= 30 and string.find(text, '^%d+%.?%d*$') and tonumber(text) <= LONGEST_BOUND
  return is_valid and text or nil
end

local function is_seal(text)
  return text and #text == 40
end

local function seal_of(change, secret)
  return string.sub(redis.sha1hex(secret .. change .. secret), 1, SEAL_LENGTH)
end

-- Without the right to write it, each check runs a script instead.
local function copy_head(head, size)
  redis.pcall('SET', head_key, head .. ' ' .. size)
end

-- Makes the copy that of the head, and returns whether it allows that. Fails if the key belongs to another program.
local function check_copy(head, size)
  local copy = redis.pcall('GET', head_key)
  if type(copy) == 'table' and string.find(copy.err, 'WRONGTYPE', 1, true) then call('GET', head_key) end
  if not is_head(head) or copy == head .. ' ' .. size then return true end
  local copied = type(copy) == 'string' and string.match(copy, '^(%S+) %d+$')
  if is_head(copied) and parts(copied) >= parts(head) then return false end
  copy_head(head, size)
  return true
end

-- Entries that external writers inserted or removed do not end the history of commits, but their change counts no commit.
local function keep_past(head, started)
  local position, number, floor, commits, epoch =
    string.match(call('HGET', meta_key, 'past') or '', '^(%d+) (%d+) (%d+) (%d+) (%x+)$')
  if not number or not head then return end
  local since = parts(head) - number
  call('HSET', meta_key, 'past', string.format('%.0f %s %s %.0f %s', position + since, string.match(started, '^%d+'), floor,
    commits + since, epoch))
end

-- Starts a new history from the entries as they are. This is necessary if there is no history yet (another program
-- wrote the entries, if there are any), if the number of entries does not match it (entries were evicted, or external
-- writers added or deleted some), or if the metadata is malformed. Returns the new head and seal.
local function start_history(head, size, nonce, entropy)
  local number = is_head(head) and parts(head) or 0
  -- Includes the time: a client that resends commands by itself sends the same nonce again.
  local now = call('TIME')
  local epoch = string.sub(redis.sha1hex(nonce .. ' ' .. now[1] .. '.' .. now[2]), 1, EPOCH_LENGTH)
  local started = string.format('%.0f-%s-%s', number + 1, epoch, nonce)
  local seal = redis.sha1hex(entropy .. started)
  -- Not DEL: a key of another type belongs to another program.
  call('LTRIM', log_key, 1, 0)
  call('HSET', meta_key, 'head', started, 'size', size, 'bytes', 0, 'seal', seal, 'format', 1)
  keep_past(is_head(head) and head, started)
  call('HDEL', meta_key, 'due')
  copy_head(started, size)
  redis.pcall('SPUBLISH', meta_key, '')
  return started, seal
end

-- The head for a reader that may not start a history: it changes whenever the number of entries does.
local function reader_head(head, size)
  local number = is_head(head) and parts(head) or 0
  return string.format('%.0f-counted.%d.%s-none.0', number, size, redis.sha1hex(head or ''))
end

-- Returns the current head, number of entries, length of the log in bytes, bound and seal, and a list with the fields of the
-- metadata that the caller names from position 6 on. Returns nothing if it must start a history and has no entropy for it.
local function read_head(nonce, entropy, ...)
  local meta = call('HMGET', meta_key, 'head', 'size', 'bytes', 'bound', 'seal', ...)
  local head, bytes, bound, seal = meta[1], count_of(meta[3]), bound_of(meta[4]), meta[5]
  local size = call('HLEN', entries_key)
  local is_copied = READ_ONLY or check_copy(head, size)
  if is_head(head) and count_of(meta[2]) == size and bytes and bound and is_seal(seal) and is_copied then
    return head, size, bytes, bound, seal, meta
  end
  if READ_ONLY then return reader_head(head, size), size, 0, bound or '0', '' end
  if entropy == '' then return end
  -- Each replica that relies on a bound records it again after a new history starts.
  if not bound then call('HDEL', meta_key, 'bound') end
  head, seal = start_history(head, size, nonce, entropy)
  return head, size, 0, bound or '0', seal, meta
end

-- Returns the changes that lead from a version to the head. If they are not available, returns nil and a reason: 1 if
-- the version belongs to another history, 2 if the log is damaged, 0 if it may just be too short.
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
