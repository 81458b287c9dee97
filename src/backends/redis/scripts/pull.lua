-- Returns the changes since a version.
--
-- The variant for processes that may write is not flagged no-writes, although it writes only when it starts a history. A
-- replica server therefore refuses it, and so does a primary that may not accept writes (min-replicas-to-write): neither can
-- guarantee that it is current. The variant for readers (READ_ONLY) is flagged no-writes; the reader asks separately whether
-- the server is a primary.
--
-- ARGV[1]  the version; '' asks for the current state
-- ARGV[2]  entropy: random, different for each call, known only to the sender
-- ARGV[3]  the most entries to return as a state; -1: none
-- ARGV[4]  's': an answer with changes (even with none) ends with the current number of entries
--
-- Returns one of
--   0                                             no changes
--   'changes', head, change...
--   'state', head, diverged, seal, key, value...  the changes are not available
--   'old', head, diverged, seal, size             the same, but there are too many entries: scan them
-- where diverged is 1 if the version belongs to another history, 2 if the log is damaged, else 0.

local head, size, _, _, seal = read_head(string.sub(redis.sha1hex(ARGV[2]), 1, EPOCH_LENGTH) .. '.0', ARGV[2])
local sized = ARGV[4] == 's'
if ARGV[1] == head and not sized then return 0 end
-- Fails here, and not at the first write, if the log is not a list.
if ARGV[1] == '' then call('LRANGE', log_key, -1, -1) end

local changes, diverged = since(ARGV[1], head)
if changes then
  local reply = { 'changes', head }
  for index = 1, #changes do reply[index + 2] = changes[index] end
  if sized then reply[#reply + 1] = size end
  return reply
end

if size > tonumber(ARGV[3]) then return { 'old', head, diverged, seal, size } end
local state = redis.call('HGETALL', entries_key)
local reply = { 'state', head, diverged, seal }
for index = 1, #state do reply[index + 4] = state[index] end
return reply
