-- Records the policy of the history, and drops what it no longer keeps.
--
-- ARGV[1]  the most commits; 0: no history
-- ARGV[2]  their greatest age in days
--
-- Returns 1.

local meta = call('HMGET', meta_key, 'head', 'past')
local past = past_of(meta[2], meta[1], call('HLEN', entries_key))
local tools = history_tools()
tools.check_types()
call('HSET', meta_key, 'keep', ARGV[1] .. ' ' .. ARGV[2])
call('HDEL', meta_key, 'due')
if past.epoch then
  local keep, days = limits_of(ARGV[1] .. ' ' .. ARGV[2])
  if keep then tools.trim(past, keep, days, time()) else tools.drop_all(past) end
  call('HSET', meta_key, 'past', past_text(past))
end
return 1
