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
-- was changed. Returns 'again' if the call has only shortened paths of redirects or lists of former
-- names, and must be repeated as it is. Otherwise a digit for each subsegment: 1 if nothing in the
-- index needs its small payload any more, else 0. README.md describes the data model, the cost and
-- the guarantees.

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
-- Fields that no id can collide with: the number of subsegments of the trace, with so many digits
-- that Redis keeps the hash as a table at any size; and whether the trace has, or had, merged
-- payloads.
local COUNT, DIGITS, MERGED = 'subsegments', '%065d', 'merged'
-- Lua's stack bounds the number of values that unpack() returns.
local CHUNK = 1000
-- A call shortens paths by at most so many redirects, and removes at most so many former names of
-- segments that end.
local MAX_STEPS = 250
local AGAIN = 'again'

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
  -- The trace has ended and begun anew since the answer that it is large.
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

local dropped, is_dropped, changed = {}, {}, {}

local function drop(field)
  dropped[#dropped + 1] = field
  is_dropped[field] = true
end

local function put(field, value)
  changed[#changed + 1] = field
  changed[#changed + 1] = value
end

-- Deletes before it writes. Once a script has deleted something, also a full Redis lets it write.
local function write()
  for i = 1, #dropped, CHUNK do
    call('HDEL', index, unpack(dropped, i, math.min(i + CHUNK - 1, #dropped)))
  end
  for i = 1, #changed, CHUNK do
    call('HSET', index, unpack(changed, i, math.min(i + CHUNK - 1, #changed)))
  end
end

local roots = {}
-- Ids that do not lead to their root directly.
local detours = {}
local stopped = false

-- Follows redirects to their end. Once the call has shortened paths by MAX_STEPS redirects, it stops
-- on the way.
local function root_of(id)
  local path, passed = {}, {}
  local at = id
  while not roots[at] and #detours + #path <= MAX_STEPS do
    local to = look_up(at)
    if not to or to == at or passed[to] then
      roots[at] = at
      break
    end
    path[#path + 1] = at
    passed[at] = true
    at = to
  end
  stopped = stopped or not roots[at]
  local root = roots[at] or at
  for i = 1, #path do
    roots[path[i]] = root
    if known[path[i]] ~= root then
      detours[#detours + 1] = path[i]
    end
  end
  return root
end

-- Points the ids that were passed at their roots, so that the next call need not pass them. As long
-- values as before.
local function put_detours()
  for i = 1, #detours do
    if not is_dropped[detours[i]] then
      put(detours[i], roots[detours[i]])
    end
  end
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
if stopped then
  put_detours()
  -- Written again at once: only so that a full Redis writes.
  drop(detours[1])
  write()
  return AGAIN
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

-- The names of segments that end.
local counters = {}
for i = 1, #order do
  counters[i] = 's' .. order[i]
end
read(counters)
local names, is_name = {}, {}
local more_names = false
for _, root in ipairs(order) do
  local gone = of_root[root]
  gone.counters, gone.names = match(known['s' .. root] or '', '^(%d+ %d+ %d+ %d)(.*)$')
  if not gone.counters or match(gone.counters, '^%d+') - #gone.ids <= 0 then
    gone.ends = true
    local name = sub(gone.names or '', 1, ID)
    while name and name ~= '' and not is_name[name] and #names < MAX_STEPS do
      is_name[name] = true
      names[#names + 1] = name
      name = look_up('n' .. name)
    end
    gone.names = name and name ~= '' and not is_name[name] and name .. sub(gone.names, ID + 1) or ''
    more_names = more_names or gone.names ~= ''
  end
end
for i = 1, #names do
  drop(names[i])
  drop('n' .. names[i])
end
if more_names then
  -- The segments end once they have no other names. Until then, subsegments that were filed under
  -- former names are filed under their segments' own.
  for _, root in ipairs(order) do
    local gone = of_root[root]
    if gone.ends and gone.counters then
      put('s' .. root, gone.counters .. gone.names)
      for i = 1, #gone.ids do
        put('m' .. gone.ids[i], root .. sub(known['m' .. gone.ids[i]], ID + 1))
      end
    end
  end
  put_detours()
  write()
  return AGAIN
end

-- Segments that end, and the new fields of those that remain.
for _, root in ipairs(order) do
  local gone = of_root[root]
  for i = 1, #gone.ids do
    drop('m' .. gone.ids[i])
  end
  if gone.ends then
    drop(root)
    drop('s' .. root)
    if has_merged then
      -- Whatever ARGV[5] says: no later call names this hash.
      call('UNLINK', key_of[root])
    end
  else
    local subsegments, spans, bytes, root_flag = match(gone.counters, '^(%d+) (%d+) (%d+) (%d)$')
    put('s' .. root, format('%d %d %d %s', subsegments - #gone.ids, spans - gone.spans,
      bytes - gone.bytes, root_flag) .. gone.names)
    if merged and has_merged then
      for i = 1, #gone.ids, CHUNK do
        call('HDEL', key_of[root], unpack(gone.ids, i, math.min(i + CHUNK - 1, #gone.ids)))
      end
    end
  end
end
if #removed > 0 then
  put(COUNT, format(DIGITS, left))
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

if #dropped > 0 then
  put_detours()
end
write()

local digits = {}
for i = 1, number do
  local at = BEGIN + ID * (number + i - 1)
  local payload = sub(receipt, at, at + ID - 1)
  digits[i] = (payload == NO_PAYLOAD or not known['p' .. payload]) and '1' or '0'
end
return concat(digits)
