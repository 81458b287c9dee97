-- What happened since a version.
--
-- It is not flagged no-writes, although it writes only where a history must be founded: so a replica server refuses it,
-- and so does a primary that may not accept writes (min-replicas-to-write). Neither could vouch for being current.
--
-- ARGV[1]  the version; '' asks for the present state
-- ARGV[2]  a nonce
-- ARGV[3]  the most entries that are sent as a state; -1: send none
-- ARGV[4]  's': an answer with changes, be there none, ends with the present number of entries
--
-- Returns one of
--   0                                       nothing happened
--   'changes', head, change...
--   'state', head, diverged, key, value...  in place of changes that cannot be had
--   'old', head, diverged, size             as before, but there are too many entries: scan them
-- where diverged is 1 if the version is not of this history, else 0.

local head, size = look(ARGV[2])
local sized = ARGV[4] == 's'
if ARGV[1] == head and not sized then return 0 end

local changes, diverged = since(ARGV[1], head)
if changes then
  local reply = { 'changes', head }
  for index = 1, #changes do reply[index + 2] = changes[index] end
  if sized then reply[#reply + 1] = size end
  return reply
end

if size > tonumber(ARGV[3]) then return { 'old', head, diverged, size } end
local state = redis.call('HGETALL', entries_key)
local reply = { 'state', head, diverged }
for index = 1, #state do reply[index + 3] = state[index] end
return reply
