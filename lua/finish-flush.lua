-- Removes subsegments that were flushed from the index of their trace. Atomic, repeatable.
-- Deletes before it writes, and writes only where something was deleted: so a full Redis runs it.
--
-- KEYS[1]  span-buf:ssr:{project:trace}, the trace's index. All other keys share its hash tag.
-- ARGV[1]  the segment's id when it was flushed (16 hexadecimal digits): names the flush lock
-- ARGV[2]  who releases the flush lock, as job:epoch; empty for nobody. What a former attempt of the
--          job locked, and did not live to release, goes too
-- ARGV[3]  the ids of the flushed spans one after another (16 digits each)
-- ARGV[4]  where payloads of the subsegments may be: '1' merged, '4' small, '5' both, '0' neither
-- then, for each subsegment, three arguments:
--   id (16 digits), number of its spans, length of their records in bytes
--
-- Returns how many subsegments were removed.
-- README.md tells the data model, the cost and the guarantees.

local index = KEYS[1]
local flushed, owner, packed = ARGV[1], ARGV[2], ARGV[3]
local merged, small = ARGV[4] == '1' or ARGV[4] == '5', ARGV[4] == '4' or ARGV[4] == '5'
local tag = string.sub(index, #'span-buf:ssr:' + 1)
local payloads = 'span-buf:sp:' .. tag
local call, sub = redis.call, string.sub

local FIRST, FIELDS = 5, 3
local ID_DIGITS = 16
-- Fields beside those of ids: how many subsegments the trace has, and whether it has, or had, merged
-- payloads.
local COUNT, MERGED = 'subsegments', 'merged'
-- Lua's stack bounds what unpack() can pass on.
local CHUNK = 1000

local function segment_key(segment)
  return 'span-buf:s:' .. tag .. ':' .. segment
end

local function delete_fields(key, fields)
  for i = 1, #fields, CHUNK do
    call('HDEL', key, unpack(fields, i, math.min(i + CHUNK - 1, #fields)))
  end
end

-- Fields of the index as they were before the call. false: not there; nil: not read.
local known = {}

local function read(fields)
  for first = 1, #fields, CHUNK do
    local last = math.min(first + CHUNK - 1, #fields)
    local found = call('HMGET', index, unpack(fields, first, last))
    for i = first, last do
      known[fields[i]] = found[i - first + 1]
    end
  end
end

local function look_up(field)
  local value = known[field]
  if value == nil then
    value = call('HGET', index, field)
    known[field] = value
  end
  return value
end

local roots = {}

-- Follows redirects to their end without changing them: that would be a write.
local function root_of(id)
  local path, passed = {}, {}
  local at = id
  while not roots[at] do
    local to = look_up(at)
    if not to or to == at or passed[to] then
      roots[at] = at
      break
    end
    path[#path + 1] = at
    passed[at] = true
    at = to
  end
  local root = roots[at]
  for i = 1, #path do
    roots[path[i]] = root
  end
  return root
end

-- Removes the merged payloads of subsegments from those of root. Only their members tell whose they
-- are, so all are walked until these are found.
local function take_payloads(root, ids)
  -- Payloads are read in pages of about so many bytes.
  local PAGE_BYTES = 1048576
  -- And the first of so many, as nothing is known of them.
  local FIRST_PAGE = 10
  local key = segment_key(root)
  local wanted, left = {}, #ids
  for i = 1, #ids do
    wanted[ids[i]] = true
  end
  local cursor, page_size = '0', FIRST_PAGE
  repeat
    local page = call('SSCAN', key, cursor, 'COUNT', page_size)
    local members, bytes, found = page[2], 0, {}
    cursor = page[1]
    for _, member in ipairs(members) do
      bytes = bytes + #member
      local id = sub(member, 1, ID_DIGITS)
      if wanted[id] ~= nil then
        found[#found + 1] = member
        -- The same payload may be there twice, packed in two ways.
        if wanted[id] then
          wanted[id] = false
          left = left - 1
        end
      end
    end
    for i = 1, #found, CHUNK do
      call('SREM', key, unpack(found, i, math.min(i + CHUNK - 1, #found)))
    end
    if bytes > 0 then
      page_size = math.max(1, math.min(CHUNK, math.floor(PAGE_BYTES * #members / bytes)))
    end
  until cursor == '0' or left == 0
end

-- Removes what is filed of the subsegments, of a trace that has others. Returns the fields to write.
local function remove_some(removed)
  -- By the segment that it belongs to now.
  local filed_under, paths = {}, {}
  for at = FIRST, #ARGV, FIELDS do
    local id = known['m' .. ARGV[at]]
    if id and not filed_under[id] then
      filed_under[id] = true
      paths[#paths + 1] = id
    end
  end
  read(paths)
  local roots_in_order, of_root = {}, {}
  for at = FIRST, #ARGV, FIELDS do
    local id = known['m' .. ARGV[at]]
    if id then
      local root = root_of(id)
      local gone = of_root[root]
      if not gone then
        gone = {ids = {}, spans = 0, bytes = 0}
        of_root[root] = gone
        roots_in_order[#roots_in_order + 1] = root
      end
      gone.ids[#gone.ids + 1] = ARGV[at]
      gone.spans = gone.spans + ARGV[at + 1]
      gone.bytes = gone.bytes + ARGV[at + 2]
    end
  end

  -- Segments that end, with their first former name, and those that go on with so much less.
  local ended, goes_on = {}, {}
  for _, root in ipairs(roots_in_order) do
    local gone = of_root[root]
    local subsegments, spans, bytes, rest =
      string.match(look_up('s' .. root) or '', '^(%d+) (%d+) (%d+)(.*)$')
    if not subsegments or subsegments - #gone.ids <= 0 then
      ended[root] = string.match(rest or '', '^ %d (%x+)') or ''
      if look_up(MERGED) then
        -- Whatever they say who gave them: nobody else will name it.
        call('UNLINK', segment_key(root))
      end
    else
      goes_on[#goes_on + 1] = 's' .. root
      goes_on[#goes_on + 1] = string.format('%d %d %d', subsegments - #gone.ids,
        spans - gone.spans, bytes - gone.bytes) .. rest
      if merged then
        take_payloads(root, gone.ids)
      end
    end
  end
  goes_on[#goes_on + 1] = COUNT
  goes_on[#goes_on + 1] = string.format('%d', known[COUNT] - removed)

  -- With all its names, what ended.
  local dropped = {}
  for _, root in ipairs(roots_in_order) do
    local gone, name, passed = of_root[root], ended[root], {}
    for i = 1, #gone.ids do
      dropped[#dropped + 1] = 'm' .. gone.ids[i]
    end
    if name then
      dropped[#dropped + 1] = root
      dropped[#dropped + 1] = 's' .. root
    end
    while name and name ~= '' and not passed[name] do
      passed[name] = true
      dropped[#dropped + 1] = name
      dropped[#dropped + 1] = 'n' .. name
      name = look_up('n' .. name)
    end
  end
  delete_fields(index, dropped)
  return goes_on
end

-- Drops the redirects of the flushed spans, but for those that are names of segments that go on.
local function drop_spans()
  local fields, dropped = {}, {}
  for i = 1, #packed, ID_DIGITS do
    local span = sub(packed, i, i + ID_DIGITS - 1)
    fields[#fields + 1] = span
    fields[#fields + 1] = 'n' .. span
    fields[#fields + 1] = 's' .. span
  end
  read(fields)
  for i = 1, #fields, 3 do
    if known[fields[i]] and not known[fields[i + 1]] and not known[fields[i + 2]] then
      dropped[#dropped + 1] = fields[i]
    end
  end
  delete_fields(index, dropped)
end

local asked = {COUNT, MERGED}
for at = FIRST, #ARGV, FIELDS do
  asked[#asked + 1] = 'm' .. ARGV[at]
end
read(asked)
local removed = 0
for at = FIRST, #ARGV, FIELDS do
  if known['m' .. ARGV[at]] then
    removed = removed + 1
  end
end

local count = tonumber(known[COUNT] or 0)
local changed = {}
if removed > 0 and removed >= count then
  -- Nothing is left of the trace: nor then of redirects that no flush names, as those of duplicates.
  if known[MERGED] then
    local unlinked = {}
    for at = FIRST, #ARGV, FIELDS do
      local id = known['m' .. ARGV[at]]
      local root = id and root_of(id)
      if root and not unlinked[root] then
        unlinked[root] = true
        call('UNLINK', segment_key(root))
      end
    end
  end
  call('UNLINK', index, payloads)
else
  if small then
    local ids = {}
    for at = FIRST, #ARGV, FIELDS do
      ids[#ids + 1] = ARGV[at]
    end
    delete_fields(payloads, ids)
  end
  if removed > 0 then
    changed = remove_some(removed)
  end
  drop_spans()
end

if owner ~= '' then
  local lock = 'span-buf:fl:' .. segment_key(flushed)
  local locked_by, locked_in = string.match(call('GET', lock) or '', '^(.*):(%d+)$')
  local job, epoch = string.match(owner, '^(.*):(%d+)$')
  if locked_by and locked_by == job and tonumber(locked_in) <= tonumber(epoch) then
    call('DEL', lock)
  end
end

for i = 1, #changed, CHUNK do
  call('HSET', index, unpack(changed, i, math.min(i + CHUNK - 1, #changed)))
end

return removed
