-- Removes subsegments that were flushed from the index of their trace. Atomic, repeatable.
-- Deletes before it writes, and writes only where something was deleted: so a full Redis runs it.
--
-- KEYS[1]  span-buf:ssr:{project:trace}, the trace's redirects. All other keys share its hash tag.
-- ARGV[1]  the segment's id when it was flushed (16 hexadecimal digits): names the flush lock
-- ARGV[2]  who releases the flush lock, as job:epoch; empty for nobody. What a former attempt of the
--          job locked, and did not live to release, goes too
-- ARGV[3]  the ids of the flushed spans one after another (16 digits each)
-- ARGV[4]  '1' where merged payloads of the subsegments may be there, else '0'
-- then, for each subsegment, four arguments:
--   id, the root that add-subsegments answered for it (16 digits each), number of its spans, length
--   of their records in bytes
--
-- Returns how many subsegments were removed, and how many segments ended thereby.
-- README.md tells the data model, the cost and the guarantees.

local redirects = KEYS[1]
local flushed, owner, packed, merged = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local tag = string.sub(redirects, #'span-buf:ssr:' + 1)

local FIRST, FIELDS = 5, 4
local ID_DIGITS = 16
-- The redirects' field that counts the trace's subsegments; set off from ids by its form.
local COUNT = 'subsegments'
-- Lua's stack bounds what unpack() can pass on.
local CHUNK = 1000
-- Payloads are read in pages of about so many bytes.
local PAGE_BYTES = 1048576
-- And the first of so many, as nothing is known of them.
local FIRST_PAGE = 10

local function members_key(segment)
  return 'span-buf:mk:' .. tag .. ':' .. segment
end

local function segment_key(segment)
  return 'span-buf:s:' .. tag .. ':' .. segment
end

-- Calls visit with every CHUNK of a list.
local function in_chunks(list, visit)
  for i = 1, #list, CHUNK do
    visit(i, math.min(i + CHUNK - 1, #list))
  end
end

-- Reads the redirects of all ids of the call, in as few commands as may be.
local known, ids, spans = {}, {}, {}

local function collect(id)
  if known[id] == nil then
    known[id] = false
    ids[#ids + 1] = id
  end
end

collect(COUNT)
for i = 1, #packed, ID_DIGITS do
  local span = string.sub(packed, i, i + ID_DIGITS - 1)
  spans[#spans + 1] = span
  collect(span)
end
for at = FIRST, #ARGV, FIELDS do
  collect(ARGV[at + 1])
end
in_chunks(ids, function(first, last)
  local found = redis.call('HMGET', redirects, unpack(ids, first, last))
  for i = 1, #found do
    known[ids[first + i - 1]] = found[i]
  end
end)

local roots = {}

-- Follows redirects to their end without changing them: that would be a write.
local function root_of(id)
  local path, passed = {}, {}
  local at = id
  while not roots[at] do
    local to = known[at]
    if to == nil then
      to = redis.call('HGET', redirects, at)
      known[at] = to
    end
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

-- Returns lists of what is in list by root_of(key(each)), and those roots in order.
local function by_root(list, key)
  local groups, order = {}, {}
  for _, each in ipairs(list) do
    local root = root_of(key(each))
    if not groups[root] then
      groups[root] = {}
      order[#order + 1] = root
    end
    table.insert(groups[root], each)
  end
  return groups, order
end

-- Removes those of the subsegments (given as places in ARGV) that are filed under root.
-- Returns how many, and how many spans and bytes they have.
local function take(root, places)
  local key = members_key(root)
  local subsegments, less_spans, less_bytes = 0, 0, 0
  in_chunks(places, function(first, last)
    local asked, found = {}, {}
    for i = first, last do
      asked[#asked + 1] = ARGV[places[i]]
    end
    local is_there = redis.call('SMISMEMBER', key, unpack(asked))
    for i = 1, #asked do
      if is_there[i] == 1 then
        local place = places[first + i - 1]
        found[#found + 1] = asked[i]
        less_spans = less_spans + tonumber(ARGV[place + 2])
        less_bytes = less_bytes + tonumber(ARGV[place + 3])
      end
    end
    if #found > 0 then
      subsegments = subsegments + redis.call('SREM', key, unpack(found))
    end
  end)
  return subsegments, less_spans, less_bytes
end

-- Removes the merged payloads of subsegments (given as places in ARGV) from those of root. Only
-- their members tell whose they are, so all are walked until these are found.
local function take_payloads(root, places)
  local key = segment_key(root)
  local wanted, left = {}, #places
  for _, place in ipairs(places) do
    wanted[ARGV[place]] = true
  end
  local cursor, page_size = '0', FIRST_PAGE
  repeat
    local page = redis.call('SSCAN', key, cursor, 'COUNT', page_size)
    local members, bytes, found = page[2], 0, {}
    cursor = page[1]
    for _, member in ipairs(members) do
      bytes = bytes + #member
      local id = string.sub(member, 1, ID_DIGITS)
      if wanted[id] ~= nil then
        found[#found + 1] = member
        -- The same payload may be there twice, packed in two ways.
        if wanted[id] then
          wanted[id] = false
          left = left - 1
        end
      end
    end
    in_chunks(found, function(first, last)
      redis.call('SREM', key, unpack(found, first, last))
    end)
    if bytes > 0 then
      page_size = math.max(1, math.min(CHUNK, math.floor(PAGE_BYTES * #members / bytes)))
    end
  until cursor == '0' or left == 0
end

-- Returns the names of a segment that has no subsegment left, or nothing where it has.
local function names_if_ended(root, less_spans)
  if tonumber(redis.call('GET', 'span-buf:ic:' .. segment_key(root)) or 0) > less_spans then
    return nil
  end
  local names = redis.call('SMEMBERS', members_key(root))
  for i = 1, #names do
    if #names[i] == ID_DIGITS then
      return nil
    end
    names[i] = string.sub(names[i], 2)
  end
  return names
end

local places = {}
for at = FIRST, #ARGV, FIELDS do
  places[#places + 1] = at
end
local groups, order = by_root(places, function(place) return ARGV[place + 1] end)
local removed, ended, left, dropped = 0, {}, {}, {}
local ended_count = 0
for _, root in ipairs(order) do
  local subsegments, less_spans, less_bytes = take(root, groups[root])
  if subsegments > 0 then
    removed = removed + subsegments
    local names = names_if_ended(root, less_spans)
    if names then
      ended[root] = true
      ended_count = ended_count + 1
      for i = 1, #names do
        dropped[#dropped + 1] = names[i]
      end
      dropped[#dropped + 1] = root
      local key = segment_key(root)
      -- The payloads' key too, whatever they say who gave them: nobody else will name it.
      redis.call('UNLINK', members_key(root), 'span-buf:hrs:' .. key, 'span-buf:ic:' .. key,
        'span-buf:ibc:' .. key, key)
    else
      if merged then
        take_payloads(root, groups[root])
      end
      left[#left + 1] = {root, less_spans, less_bytes}
    end
  end
end

-- Of the flushed spans, drops the redirects of all but the names of segments that go on.
local function drop_spans(root, of_root)
  in_chunks(of_root, function(first, last)
    local asked = {}
    for i = first, last do
      asked[#asked + 1] = 'n' .. of_root[i]
    end
    local is_name = ended[root] and {} or redis.call('SMISMEMBER', members_key(root), unpack(asked))
    for i = first, last do
      local span = of_root[i]
      local needed = is_name[i - first + 1] == 1
        or span == root and not ended[root] and redis.call('EXISTS', members_key(root)) == 1
      if not needed then
        dropped[#dropped + 1] = span
      end
    end
  end)
end

local count = tonumber(known[COUNT] or nil)
if removed > 0 and count and count <= removed then
  -- Nothing is left of the trace: nor then of redirects that no flush names, as those of duplicates.
  redis.call('UNLINK', redirects)
else
  local seen = {}
  for _, span in ipairs(spans) do
    if known[span] then
      seen[#seen + 1] = span
    end
  end
  local spans_of, span_roots = by_root(seen, function(span) return span end)
  for _, root in ipairs(span_roots) do
    drop_spans(root, spans_of[root])
  end
  in_chunks(dropped, function(first, last)
    redis.call('HDEL', redirects, unpack(dropped, first, last))
  end)
end

if owner ~= '' then
  local lock = 'span-buf:fl:' .. segment_key(flushed)
  local locked_by, locked_in = string.match(redis.call('GET', lock) or '', '^(.*):(%d+)$')
  local job, epoch = string.match(owner, '^(.*):(%d+)$')
  if locked_by and locked_by == job and tonumber(locked_in) <= tonumber(epoch) then
    redis.call('DEL', lock)
  end
end

for _, segment in ipairs(left) do
  local key = segment_key(segment[1])
  redis.call('DECRBY', 'span-buf:ic:' .. key, segment[2])
  redis.call('DECRBY', 'span-buf:ibc:' .. key, segment[3])
end
if removed > 0 and count and count > removed then
  redis.call('HSET', redirects, COUNT, count - removed)
end

return {removed, ended_count}
