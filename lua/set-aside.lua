-- Sets aside a segment that nobody remembers: its job has lost its state. Atomic, repeatable.
-- Deletes before it writes, so a full Redis runs it.
--
-- KEYS[1]  span-buf:mk:{project:trace}:segment. All other keys share its hash tag.
-- ARGV[1]  TTL of what is set aside, in seconds
--
-- Returns 1 where there was something to set aside, else 0. README.md tells the data model.

local members = KEYS[1]
local ttl = tonumber(ARGV[1])
local name = string.sub(members, #'span-buf:mk:' + 1)
local tag = string.sub(name, 1, -18)
local key = 'span-buf:s:' .. name

-- Two sets of one name are there where the job was lost once more before all was adopted.
local function move(from, to)
  if redis.call('EXISTS', from) == 0 then
    return
  end
  if redis.call('EXISTS', to) == 1 then
    redis.call('SUNIONSTORE', to, to, from)
    redis.call('UNLINK', from)
  else
    redis.call('RENAME', from, to)
  end
  redis.call('EXPIRE', to, ttl)
end

if redis.call('EXISTS', members) == 0 then
  return 0
end
-- The whole trace's: its other segments are set aside as well.
redis.call('UNLINK', 'span-buf:ssr:' .. tag, 'span-buf:hrs:' .. key, 'span-buf:ic:' .. key,
  'span-buf:ibc:' .. key, 'span-buf:fl:' .. key)
-- Payloads first: what is named by members can be set aside again, what is not is never found.
move(key, 'span-buf:ad:s:' .. name)
move(members, 'span-buf:ad:mk:' .. name)
return 1
