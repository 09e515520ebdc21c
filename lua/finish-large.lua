-- Removes flushed subsegments from the record of a large trace. Atomic, repeatable.
-- Deletes before it writes, and writes only if it has deleted something, so a full Redis runs it.
--
-- KEYS[1]  span-buf:t:{bucket}, the records of the bucket's traces
-- KEYS[2]  span-buf:fl:{bucket}, its flush lock
-- KEYS[3]  span-buf:x:{bucket}:project:trace, the record of this trace
-- then    span-buf:m:{bucket}:project:trace:segment for the segments whose merged payloads the call
--         may touch
-- ARGV[1]  the caller's job
-- ARGV[2]  the epoch of its lease
-- ARGV[3]  the field of the trace in KEYS[1]
-- ARGV[4]  what is flushed of it, as finish-flush has it
-- ARGV[5]  '1' if payloads of the subsegments may be in the merged layout, else '0'
--
-- Returns 'refused' if a newer epoch has the lock, or another job has it with the same epoch;
-- 'declare:' and names of segments (8 bytes each) whose keys must be declared; in both cases nothing
-- was changed. Otherwise a digit for each subsegment: 1 if nothing in the index needs its small
-- payload any more, else 0. README.md describes the data model, the cost and the guarantees.

local traces, index, job, epoch = KEYS[1], KEYS[3], ARGV[1], ARGV[2]
local trace, receipt, merged = ARGV[3], ARGV[4], ARGV[5] == '1'
local call = redis.call
local byte, sub, rep, format, match = string.byte, string.sub, string.rep, string.format, string.match
local unpack_numbers, concat = struct.unpack, table.concat

local LARGE = 3
-- Length of an id; where the ids of a receipt begin.
local ID, BEGIN = 8, 3
local NO_PAYLOAD = rep('\0', ID)
local SENTINEL = ''
-- Fields that no id can collide with: the number of subsegments of the trace, and whether it has, or
-- had, merged payloads.
local COUNT, MERGED = 'subsegments', 'merged'
-- Lua's stack bounds the number of values that unpack() returns.
local CHUNK = 1000

local lock = call('GET', KEYS[2])
if lock and lock ~= job .. ':' .. epoch then
  -- A value without an epoch is older than any.
  if tonumber(match(lock, ':(%d+)$') or 0) >= tonumber(epoch) then
    return 'refused'
  end
end

local number = unpack_numbers('>I2', receipt)
local stored = call('HGET', traces, trace)
if not stored then
  return rep('1', number)
elseif byte(stored) ~= LARGE then
  -- The trace has ended and begun anew since the caller was told that it is large.
  return rep('0', number)
end

-- Fields of the hash before the call. false: missing; nil: not read.
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
-- Ids that do not lead to their root directly.
local detours = {}

-- Follows redirects to their end.
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
    if known[path[i]] ~= root then
      detours[#detours + 1] = path[i]
    end
  end
  return root
end

local asked, ids = {COUNT, MERGED}, {}
for i = 1, number do
  local at = BEGIN + ID * (i - 1)
  ids[i] = sub(receipt, at, at + ID - 1)
  asked[#asked + 1] = 'm' .. ids[i]
  asked[#asked + 1] = 'p' .. sub(receipt, at + ID * number, at + ID * number + ID - 1)
end
read(asked)

-- Groups the subsegments by their current segment.
local paths, removed, seen = {}, {}, {}
for i = 1, number do
  local filed = known['m' .. ids[i]]
  if filed and not seen[ids[i]] then
    seen[ids[i]] = true
    removed[#removed + 1] = ids[i]
    paths[#paths + 1] = sub(filed, 1, ID)
  end
end
read(paths)
local order, of_root, payloads = {}, {}, {}
for i = 1, #removed do
  local filed = known['m' .. removed[i]]
  local root = root_of(sub(filed, 1, ID))
  local gone = of_root[root]
  if not gone then
    gone = {ids = {}, spans = 0, bytes = 0}
    of_root[root] = gone
    order[#order + 1] = root
  end
  local payload = sub(filed, ID + 1, 2 * ID)
  local spans, bytes = unpack_numbers('>I4I4', filed, 21)
  gone.ids[#gone.ids + 1] = removed[i]
  gone.spans = gone.spans + spans
  gone.bytes = gone.bytes + bytes
  if payload ~= NO_PAYLOAD then
    payloads[payload] = (payloads[payload] or 0) + 1
  end
end

local left = (look_up(COUNT) or 0) - #removed
local has_merged = look_up(MERGED)
local key_of = {}
if has_merged then
  -- Every key that follows from the tree must have been declared.
  local declared, undeclared = {}, false
  for i = 4, #KEYS do
    declared[KEYS[i]] = true
  end
  local prefix = 'span-buf:m' .. sub(index, #'span-buf:x' + 1) .. ':'
  for _, root in ipairs(order) do
    local hex = string.gsub(root, '.', function(c)
      return format('%02x', byte(c))
    end)
    key_of[root] = prefix .. hex
    undeclared = undeclared or not declared[key_of[root]]
  end
  if undeclared then
    return 'declare:' .. concat(order)
  end
end

if left <= 0 then
  -- Nothing is left of the trace. This also drops redirects that no flush names, such as those of
  -- duplicates.
  for _, root in ipairs(order) do
    if has_merged then
      call('UNLINK', key_of[root])
    end
  end
  call('UNLINK', index)
  call('HDEL', traces, trace)
  if call('HLEN', traces) == 1 then
    call('HDEL', traces, SENTINEL)
  end
  return rep('1', number)
end

-- Removes merged payloads of subsegments from the set of root. Only a member says which subsegment
-- it is of, so the set is scanned until all are found.
local function take_payloads(key, of_segment)
  -- Bytes of a page of payloads.
  local PAGE_BYTES = 1048576
  -- Members of the first page, when their size is unknown.
  local FIRST_PAGE = 10
  local wanted, missing = {}, #of_segment
  for i = 1, #of_segment do
    wanted[of_segment[i]] = true
  end
  local cursor, page_size = '0', FIRST_PAGE
  repeat
    local page = call('SSCAN', key, cursor, 'COUNT', page_size)
    local members, bytes, found = page[2], 0, {}
    cursor = page[1]
    for _, member in ipairs(members) do
      bytes = bytes + #member
      local id = sub(member, 1, ID)
      if wanted[id] ~= nil then
        found[#found + 1] = member
        -- The same payload may be there twice, compressed differently.
        if wanted[id] then
          wanted[id] = false
          missing = missing - 1
        end
      end
    end
    for i = 1, #found, CHUNK do
      call('SREM', key, unpack(found, i, math.min(i + CHUNK - 1, #found)))
    end
    if bytes > 0 then
      page_size = math.max(1, math.min(CHUNK, math.floor(PAGE_BYTES * #members / bytes)))
    end
  until cursor == '0' or missing == 0
end

local dropped, is_dropped, changed = {}, {}, {}

local function drop(field)
  dropped[#dropped + 1] = field
  is_dropped[field] = true
end

local function put(field, value)
  changed[#changed + 1] = field
  changed[#changed + 1] = value
end

-- Segments that end, with all their names; and the new fields of those that remain.
for _, root in ipairs(order) do
  local gone = of_root[root]
  local subsegments, spans, bytes, rest =
    match(look_up('s' .. root) or '', '^(%d+) (%d+) (%d+)( %d.*)$')
  for i = 1, #gone.ids do
    drop('m' .. gone.ids[i])
  end
  if not subsegments or subsegments - #gone.ids <= 0 then
    drop(root)
    drop('s' .. root)
    local name, passed = sub(rest or '', 3, 2 + ID), {}
    while name and name ~= '' and not passed[name] do
      passed[name] = true
      drop(name)
      drop('n' .. name)
      name = look_up('n' .. name)
    end
    if has_merged then
      -- Whatever ARGV[5] says: no later call names this set.
      call('UNLINK', key_of[root])
    end
  else
    put('s' .. root, format('%d %d %d', subsegments - #gone.ids, spans - gone.spans,
      bytes - gone.bytes) .. rest)
    if merged and has_merged then
      take_payloads(key_of[root], gone.ids)
    end
  end
end
if #removed > 0 then
  put(COUNT, format('%d', left))
end
for payload, fewer in pairs(payloads) do
  local field = 'p' .. payload
  local remaining = (look_up(field) or 0) - fewer
  known[field] = remaining > 0 and remaining
  if remaining > 0 then
    put(field, format('%d', remaining))
  else
    drop(field)
  end
end

-- Drops the redirects of the flushed spans, except names: they go with their segments.
local fields = {}
for at = BEGIN + 2 * ID * number, #receipt, ID do
  local span = sub(receipt, at, at + ID - 1)
  fields[#fields + 1] = span
  fields[#fields + 1] = 'n' .. span
  fields[#fields + 1] = 's' .. span
end
read(fields)
for i = 1, #fields, 3 do
  local span = fields[i]
  if known[span] and not known[fields[i + 1]] and not known[fields[i + 2]] then
    drop(span)
  end
end

-- Points the ids that were passed at their roots, so that the next call need not pass them. As long
-- values as before, and only if something is deleted first: a full Redis allows it.
if #dropped > 0 then
  for i = 1, #detours do
    if not is_dropped[detours[i]] then
      put(detours[i], roots[detours[i]])
    end
  end
end

for i = 1, #dropped, CHUNK do
  call('HDEL', index, unpack(dropped, i, math.min(i + CHUNK - 1, #dropped)))
end
for i = 1, #changed, CHUNK do
  call('HSET', index, unpack(changed, i, math.min(i + CHUNK - 1, #changed)))
end

local digits = {}
for i = 1, number do
  local at = BEGIN + ID * (number + i - 1)
  local payload = sub(receipt, at, at + ID - 1)
  digits[i] = (payload == NO_PAYLOAD or not known['p' .. payload]) and '1' or '0'
end
return concat(digits)
