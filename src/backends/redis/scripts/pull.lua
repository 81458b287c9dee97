-- What happened since a version.
--
-- For processes that may write it is not flagged no-writes, although it writes only where a history must be founded: so a
-- replica server refuses it, and so does a primary that may not accept writes (min-replicas-to-write). Neither could vouch for
-- being current. For readers (READ_ONLY) it is flagged no-writes, and whether the server is a primary is asked beside it.
--
-- ARGV[1]  the version; '' asks for the present state
-- ARGV[2]  entropy: random, another each time, known to the sender alone
-- ARGV[3]  the most entries that are sent as a state; -1: send none
-- ARGV[4]  's': an answer with changes, be there none, ends with the present number of entries
--
-- Returns one of
--   0                                             nothing happened
--   'changes', head, change...
--   'state', head, diverged, seal, key, value...  in place of changes that cannot be had
--   'old', head, diverged, seal, size             as before, but there are too many entries: scan them
-- where diverged is 1 if the version is not of this history, 2 if the log is damaged, else 0.

local head, size, _, _, seal = look(redis.sha1hex(ARGV[2]) .. '.0', ARGV[2])
local sized = ARGV[4] == 's'
if ARGV[1] == head and not sized then return 0 end
-- That it is a list is found here, not by the first write.
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
