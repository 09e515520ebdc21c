-- Removes subsegments that were flushed from the index of their trace. Atomic, repeatable.
-- Deletes before it writes, and writes only where something was deleted: so a full Redis runs it.
--
-- KEYS[1]  span-buf:ssr:{project:trace}, the trace's redirects. All other keys share its hash tag.
-- ARGV[1]  the segment's id when it was flushed (16 hexadecimal digits)
-- ARGV[2]  owner of the flush lock that is to be released; empty for none
-- ARGV[3]  the ids of the flushed spans one after another (16 digits each)
-- then, for each subsegment, four arguments:
--   id, parent (16 digits each), number of its spans, length of their records in bytes
--
-- Returns how many subsegments were removed, and how many segments ended thereby.
-- README.md tells the data model, the cost and the guarantees.

local redirects = KEYS[1]
local flushed, owner, packed = ARGV[1], ARGV[2], ARGV[3]
local tag = string.sub(redirects, #'span-buf:ssr:' + 1)

local FIRST, FIELDS = 4, 4
local ID_DIGITS = 16
-- Lua's stack bounds what unpack() can pass on.
local CHUNK = 1000

local function members_key(segment)
  return 'span-buf:mk:' .. tag .. ':' .. segment
end

local function segment_key(segment)
  return 'span-buf:s:' .. tag .. ':' .. segment
end

local roots = {}

-- Follows redirects to their end without changing them: that would be a write.
local function root_of(id)
  local path, passed = {}, {}
  local at = id
  while not roots[at] do
    local to = redis.call('HGET', redirects, at)
    if not to or to == at or passed[to] then
      roots[at] = at
      break
    end
    path[#path + 1] = at
    passed[at] = true
    at = to
  end
  for i = 1, #path do
    roots[path[i]] = roots[at]
  end
  return roots[at]
end

local removed, changed, less_spans, less_bytes = 0, {}, {}, {}

-- Removes those of the subsegments (given as places in ARGV) that are filed under root.
-- Returns the places of the others.
local function take(root, places)
  local key, others = members_key(root), {}
  for i = 1, #places, CHUNK do
    local last = math.min(i + CHUNK - 1, #places)
    local ids = {}
    for j = i, last do
      ids[#ids + 1] = ARGV[places[j]]
    end
    local is_there, found = redis.call('SMISMEMBER', key, unpack(ids)), {}
    for j = 1, #ids do
      local place = places[i + j - 1]
      if is_there[j] == 0 then
        others[#others + 1] = place
      else
        found[#found + 1] = ids[j]
        if not less_spans[root] then
          changed[#changed + 1] = root
          less_spans[root], less_bytes[root] = 0, 0
        end
        less_spans[root] = less_spans[root] + tonumber(ARGV[place + 2])
        less_bytes[root] = less_bytes[root] + tonumber(ARGV[place + 3])
      end
    end
    if #found > 0 then
      removed = removed + redis.call('SREM', key, unpack(found))
    end
  end
  return others
end

local places = {}
for at = FIRST, #ARGV, FIELDS do
  places[#places + 1] = at
end
local by_root, order = {}, {}
for _, place in ipairs(take(root_of(flushed), places)) do
  -- Filed elsewhere: the index forgot a redirect that the job still knew, or was told another order.
  local root = root_of(ARGV[place + 1])
  if root ~= roots[flushed] then
    if not by_root[root] then
      by_root[root] = {}
      order[#order + 1] = root
    end
    table.insert(by_root[root], place)
  end
end
for _, root in ipairs(order) do
  take(root, by_root[root])
end

local ended, left = {}, {}
for _, root in ipairs(changed) do
  local into = redis.call('EXISTS', members_key(root)) == 0 and ended or left
  into[#into + 1] = root
end

local dropped = {}
for _, root in ipairs(ended) do
  local key = segment_key(root)
  redis.call('DEL', 'span-buf:hrs:' .. key, 'span-buf:ic:' .. key, 'span-buf:ibc:' .. key)
  if redis.call('HGET', redirects, root) == root then
    dropped[#dropped + 1] = root
  end
end
for i = 1, #packed, ID_DIGITS * CHUNK do
  local spans = {}
  for j = i, math.min(i + ID_DIGITS * CHUNK, #packed) - 1, ID_DIGITS do
    spans[#spans + 1] = string.sub(packed, j, j + ID_DIGITS - 1)
  end
  local to = redis.call('HMGET', redirects, unpack(spans))
  for j = 1, #spans do
    -- A span whose id names a segment that goes on is still needed.
    if to[j] and (to[j] ~= spans[j] or redis.call('EXISTS', members_key(spans[j])) == 0) then
      dropped[#dropped + 1] = spans[j]
    end
  end
end
for i = 1, #dropped, CHUNK do
  redis.call('HDEL', redirects, unpack(dropped, i, math.min(i + CHUNK - 1, #dropped)))
end

if owner ~= '' then
  local lock = 'span-buf:fl:' .. segment_key(flushed)
  if redis.call('GET', lock) == owner then
    redis.call('DEL', lock)
  end
end

for _, root in ipairs(left) do
  local key = segment_key(root)
  redis.call('DECRBY', 'span-buf:ic:' .. key, less_spans[root])
  redis.call('DECRBY', 'span-buf:ibc:' .. key, less_bytes[root])
end

return {removed, #ended}
