-- Adds subsegments to the record of a large trace, a hash with a field for each id. Unpacks the
-- packed record of the trace first, if there is one. Atomic, repeatable.
--
-- KEYS[1]  span-buf:t:{bucket}, the records of the bucket's traces
-- KEYS[2]  span-buf:x:{bucket}:project:trace, the record of this trace
-- then    span-buf:m:{bucket}:project:trace:segment for the segments whose merged payloads the call
--         may touch
-- ARGV[1]  the time, in seconds since 1970
-- ARGV[2]  TTL of every key, in seconds
-- ARGV[3]  the field of the trace in KEYS[1]
-- ARGV[4]  '1' if the payloads are filed in the merged layout, else '0'
-- then three arguments for each subsegment:
--   47 bytes: parent (8), 1 if the parent is a segment root among its spans, else 0 (1), and the
--   subsegment as packed records have it (38); the ids of its spans, or of some of them (8 each);
--   its payload, or empty
--
-- Returns an empty string if it is done; 'again' if it has only shortened paths of redirects, and
-- must be repeated as it is. Otherwise nothing was changed, and it returns the names (8 bytes each)
-- of the segments whose keys must be declared. README.md describes the data model, the cost and the
-- guarantees.

local traces, index = KEYS[1], KEYS[2]
local now, ttl, trace, files = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
local call = redis.call
local byte, sub, format, match = string.byte, string.sub, string.format, string.match
local pack, unpack_numbers, concat = struct.pack, struct.unpack, table.concat

local FIRST, ARGUMENTS = 5, 3
local LARGE = 3
-- Lengths: of an id, of a subsegment in a packed record, and of what precedes the ids of a segment.
-- Where the segments of a packed record begin.
local ID, SUBSEGMENT, HEADER, BEGIN = 8, 38, 7, 6
local NO_PAYLOAD = string.rep('\0', ID)
-- A field that no trace has, with a value so long that Redis keeps the hash as a table at any size.
local SENTINEL, SENTINEL_VALUE = '', string.rep('x', 65)
-- Fields that no id can collide with: the number of subsegments of the trace, with so many digits
-- that Redis keeps the hash as a table at any size,
local COUNT, DIGITS = 'subsegments', '%065d'
-- and one that exists if the trace has, or had, merged payloads, so that other traces need not look
-- for any.
local MERGED = 'merged'
-- Lua's stack bounds the number of values that unpack() returns.
local CHUNK = 1000
-- A call shortens paths by at most so many redirects.
local MAX_STEPS = 250
-- How many records a call examines for their age.
local SWEPT = 2

local heads = call('HMGET', traces, SENTINEL, trace)
local stored = heads[2]
-- Otherwise the hash, if there is one, is what another record of the trace has left.
local is_large = stored and byte(stored) == LARGE

-- Current fields of the hash, read or changed. false: missing; nil: not read.
local known = {}

local function look_up(field)
  local value = known[field]
  if value == nil then
    value = is_large and call('HGET', index, field)
    known[field] = value
  end
  return value
end

-- Changed fields, each followed by its value. A field may occur twice; the last value counts.
local changed, count_changed = {}, 0

local function put(field, value)
  known[field] = value
  changed[count_changed + 1] = field
  changed[count_changed + 2] = value
  count_changed = count_changed + 2
end

-- Fields that are to go. One that is written again later in the call stays.
local dropped = {}

local function drop(field)
  known[field] = false
  dropped[#dropped + 1] = field
end

local function count_payload(payload, more)
  if payload ~= NO_PAYLOAD then
    local left = (look_up('p' .. payload) or 0) + more
    if left > 0 then
      put('p' .. payload, format('%d', left))
    else
      drop('p' .. payload)
    end
  end
end

local function read_fields(fields, count)
  for first = 1, count, CHUNK do
    local last = math.min(first + CHUNK - 1, count)
    local found = call('HMGET', index, unpack(fields, first, last))
    for i = first, last do
      known[fields[i]] = found[i - first + 1]
    end
  end
end

-- Reads all fields that the arguments name in as few commands as possible.
local function read()
  local asked, count = {COUNT, MERGED}, 2
  for at = FIRST, #ARGV, ARGUMENTS do
    local described, spans = ARGV[at], ARGV[at + 1]
    local parent, payload = sub(described, 1, ID), sub(described, 18, 25)
    asked[count + 1] = 'm' .. sub(described, 10, 17)
    asked[count + 2] = parent
    asked[count + 3] = 's' .. parent
    asked[count + 4] = 'p' .. payload
    count = count + 4
    for i = 1, #spans, ID do
      count = count + 1
      asked[count] = sub(spans, i, i + ID - 1)
    end
  end
  read_fields(asked, count)
  -- Spans that are names: their segments may be merged.
  local counters = {}
  for i = 1, count do
    if known[asked[i]] == asked[i] and known['s' .. asked[i]] == nil then
      counters[#counters + 1] = 's' .. asked[i]
    end
  end
  read_fields(counters, #counters)
end

-- Puts the fields of a packed record.
local function unpack_record(record)
  local at, length, subsegments = BEGIN, #record, 0
  while at <= length do
    local former, spans, of_segment, root = unpack_numbers('>I2I2I2B', record, at)
    at = at + HEADER
    local name = sub(record, at, at + ID - 1)
    local first = at + ID
    local last = at + ID * former
    at = first
    for _ = 1, former + spans do
      put(sub(record, at, at + ID - 1), name)
      at = at + ID
    end
    for i = first, last, ID do
      put('n' .. sub(record, i, i + ID - 1), sub(record, i + ID, i < last and i + 2 * ID - 1 or 0))
    end
    local all_spans, all_bytes = 0, 0
    for _ = 1, of_segment do
      local entry = sub(record, at, at + SUBSEGMENT - 1)
      local span_count, bytes = unpack_numbers('>I4I4', entry, 21)
      put('m' .. sub(entry, 1, ID), name .. sub(entry, ID + 1))
      count_payload(sub(entry, 9, 16), 1)
      all_spans, all_bytes = all_spans + span_count, all_bytes + bytes
      at = at + SUBSEGMENT
    end
    -- A segment without subsegments has ended: only spans that lead to it are left.
    if of_segment > 0 then
      put(name, name)
      local value = format('%d %d %d %d', of_segment, all_spans, all_bytes, root)
      if former > 0 then
        value = value .. sub(record, first, first + ID - 1) .. sub(record, last, last + ID - 1)
      end
      put('s' .. name, value)
      subsegments = subsegments + of_segment
    end
  end
  put(COUNT, format(DIGITS, subsegments))
end

if is_large then
  read()
else
  -- In the first command, because a table is faster to fill.
  put(COUNT, format(DIGITS, 0))
  if stored then
    unpack_record(stored)
  end
end

local function write_changed()
  for i = 1, count_changed, CHUNK do
    call('HSET', index, unpack(changed, i, math.min(i + CHUNK - 1, count_changed)))
  end
end

local steps, most_steps, stopped = 0, MAX_STEPS, false

-- Follows redirects to their end, and points all ids on the path at it. Stops on the way after
-- most_steps of all paths.
local function root_of(id)
  local to = look_up(id)
  if not to or to == id then
    return id
  end
  local path, passed = {id}, {[id] = true}
  local at = to
  while true do
    if steps + #path > most_steps then
      stopped = true
      break
    end
    to = look_up(at)
    if not to or to == at or passed[to] then
      break
    end
    path[#path + 1] = at
    passed[at] = true
    at = to
  end
  for i = 1, #path - 1 do
    put(path[i], at)
  end
  steps = steps + #path - 1
  return at
end

-- A subsegment that is filed stays where it is: the redirect of its parent may be gone.
local filed_under = {}
for at = FIRST, #ARGV, ARGUMENTS do
  local before = look_up('m' .. sub(ARGV[at], 10, 17))
  filed_under[at] = root_of(sub(before or ARGV[at], 1, ID))
end
if stopped then
  write_changed()
  return 'again'
end
-- From here on, paths are known. Merges make them longer.
most_steps = math.huge

-- The segments that this call changes: written once, at its end.
local segments, touched = {}, {}

local function segment_of(id)
  local segment = segments[id]
  if not segment then
    local value = look_up('s' .. id)
    if value then
      local subsegments, spans, bytes, root, names =
        match(value, '^(%d+) (%d+) (%d+) (%d)(.*)$')
      segment = {subsegments = subsegments, spans = spans, bytes = bytes, root = root == '1'}
      if names ~= '' then
        segment.first, segment.last = sub(names, 1, ID), sub(names, ID + 1)
      end
    else
      segment = {subsegments = 0, spans = 0, bytes = 0, root = false}
    end
    segments[id] = segment
  end
  return segment
end

local function touch(id, segment)
  if not segment.touched then
    segment.touched = true
    touched[#touched + 1] = id
  end
end

-- The names of segments that the call merges into others. One that the call itself has made has no
-- payloads yet, and is not among them.
local merges = {}

-- Merges a segment into another, unless its root is known. Returns whether it did. Subsegments that
-- are filed under it stay there: its id becomes a former name, which redirects to the other.
local function merge(from, into)
  local gone = segment_of(from)
  if gone.root then
    return false
  end
  local segment = segment_of(into)
  segment.subsegments = segment.subsegments + gone.subsegments
  segment.spans = segment.spans + gone.spans
  segment.bytes = segment.bytes + gone.bytes
  -- The list of former names: this one, those it had, those the other has.
  put('n' .. from, gone.first or segment.first or '')
  if gone.last then
    put('n' .. gone.last, segment.first or '')
  end
  segment.first, segment.last = from, segment.last or gone.last or from
  touch(into, segment)
  gone.touched = false
  if look_up('s' .. from) then
    drop('s' .. from)
    merges[#merges + 1] = from
  end
  segments[from] = nil
  return true
end

local added = 0
for at = FIRST, #ARGV, ARGUMENTS do
  local described, spans = ARGV[at], ARGV[at + 1]
  local parent, id, payload = sub(described, 1, ID), sub(described, 10, 17), sub(described, 18, 25)
  local before = look_up('m' .. id)
  local target = root_of(filed_under[at])
  filed_under[at] = target
  if look_up(target) ~= target then
    put(target, target)
  end
  for i = 1, #spans, ID do
    local span = sub(spans, i, i + ID - 1)
    -- The parent is known by now, if not as a name then because it was seen before.
    if span ~= parent then
      local to = look_up(span)
      if not to then
        put(span, target)
      elseif to == span and span ~= target and merge(span, target) then
        -- So far only known as a parent: now its own parent is known.
        put(span, target)
      end
      -- Otherwise it was seen before, or is a root itself: the first record wins.
    end
  end
  if before then
    local old = sub(before, ID + 1, 2 * ID)
    if sub(before, ID + 1) ~= sub(described, 18) then
      -- Its payload is another one now.
      put('m' .. id, sub(before, 1, ID) .. sub(described, 18))
    end
    if old ~= payload then
      count_payload(old, -1)
      count_payload(payload, 1)
    end
  else
    local span_count, bytes = unpack_numbers('>I4I4', described, 30)
    added = added + 1
    put('m' .. id, target .. sub(described, 18))
    count_payload(payload, 1)
    local segment = segment_of(target)
    segment.subsegments = segment.subsegments + 1
    segment.spans = segment.spans + span_count
    segment.bytes = segment.bytes + bytes
    -- A root that was first seen as another's child is no root: the first record wins.
    if byte(described, 9) == 1 and target == parent then
      segment.root = true
    end
    touch(target, segment)
  end
end

local has_merged = look_up(MERGED)
local key_of = {}
if files or has_merged then
  -- Every key that follows from the tree must have been declared.
  local declared, needed, undeclared = {}, {}, false
  for i = 3, #KEYS do
    declared[KEYS[i]] = true
  end
  local prefix = 'span-buf:m' .. sub(index, #'span-buf:x' + 1) .. ':'
  local function need(segment)
    if not key_of[segment] then
      local hex = string.gsub(segment, '.', function(c)
        return format('%02x', byte(c))
      end)
      key_of[segment] = prefix .. hex
      needed[#needed + 1] = segment
      undeclared = undeclared or not declared[prefix .. hex]
    end
  end
  if has_merged then
    for i = 1, #merges do
      need(merges[i])
      need(root_of(merges[i]))
    end
  end
  if files then
    for at = FIRST, #ARGV, ARGUMENTS do
      if ARGV[at + 2] ~= '' then
        filed_under[at] = root_of(filed_under[at])
        need(filed_under[at])
      end
    end
  end
  if undeclared then
    return concat(needed)
  end
end

if not is_large and call('HLEN', index) > 0 then
  call('UNLINK', index)
  -- In a slot that is being moved, a key that is gone cannot be read or written. Then the call ends
  -- here, before it has changed the trace.
  call('HLEN', index)
end

-- A full Redis refuses the first write, and so the whole call.
call('HSET', traces, trace, '\3' .. pack('>I4', now))
if not heads[1] then
  call('HSET', traces, SENTINEL, SENTINEL_VALUE)
end
call('EXPIRE', traces, ttl)

if has_merged then
  -- Bytes of a page of payloads that are moved.
  local PAGE_BYTES = 1048576
  -- Payloads of the first page, when their size is unknown.
  local FIRST_PAGE = 10

  local function add_payloads(from, into)
    local cursor, page_size = '0', FIRST_PAGE
    repeat
      local page = call('HSCAN', from, cursor, 'COUNT', page_size)
      local fields, bytes = page[2], 0
      cursor = page[1]
      for i = 1, #fields, CHUNK do
        call('HSET', into, unpack(fields, i, math.min(i + CHUNK - 1, #fields)))
      end
      for i = 2, #fields, 2 do
        bytes = bytes + #fields[i]
      end
      if bytes > 0 then
        page_size = math.max(1, math.min(CHUNK, math.floor(PAGE_BYTES * #fields / 2 / bytes)))
      end
    until cursor == '0'
  end

  -- Moves the smaller hash, so that a payload moves at most a logarithmic number of times.
  for i = 1, #merges do
    local from, into = key_of[merges[i]], key_of[root_of(merges[i])]
    local from_size = call('HLEN', from)
    if from_size > 0 then
      local into_size = call('HLEN', into)
      if from_size > into_size then
        if into_size > 0 then
          add_payloads(into, from)
        end
        call('RENAME', from, into)
      else
        add_payloads(from, into)
        call('UNLINK', from)
      end
      call('EXPIRE', into, ttl)
    end
  end
end

-- Payloads are written even if the subsegment exists: it may have been added without one.
if files then
  local payloads_of = {}
  for at = FIRST, #ARGV, ARGUMENTS do
    if ARGV[at + 2] ~= '' then
      local key = key_of[filed_under[at]]
      local payloads = payloads_of[key] or {}
      payloads_of[key] = payloads
      payloads[#payloads + 1] = sub(ARGV[at], 10, 17)
      payloads[#payloads + 1] = ARGV[at + 2]
    end
  end
  for key, payloads in pairs(payloads_of) do
    for i = 1, #payloads, CHUNK do
      call('HSET', key, unpack(payloads, i, math.min(i + CHUNK - 1, #payloads)))
    end
    -- A TTL of three quarters is long enough, and saves a write.
    if call('TTL', key) < ttl * 0.75 then
      call('EXPIRE', key, ttl)
    end
  end
  if not has_merged then
    put(MERGED, '1')
  end
end

for i = 1, #touched do
  local id = touched[i]
  local segment = segments[id]
  if segment and segment.touched then
    segment.touched = false
    local value = format('%d %d %d %d', segment.subsegments, segment.spans, segment.bytes,
      segment.root and 1 or 0)
    if segment.first then
      value = value .. segment.first .. segment.last
    end
    put('s' .. id, value)
  end
end
if added > 0 then
  put(COUNT, format(DIGITS, look_up(COUNT) + added))
end
write_changed()
local ended = {}
for i = 1, #dropped do
  if not known[dropped[i]] then
    ended[#ended + 1] = dropped[i]
  end
end
for i = 1, #ended, CHUNK do
  call('HDEL', index, unpack(ended, i, math.min(i + CHUNK - 1, #ended)))
end
call('EXPIRE', index, ttl)

-- The key never expires under traffic, so records that nobody finishes go one by one.
local seen = call('HRANDFIELD', traces, SWEPT, 'WITHVALUES')
for i = 1, #seen, 2 do
  if seen[i] ~= SENTINEL and unpack_numbers('>I4', seen[i + 1], 2) < now - ttl then
    call('HDEL', traces, seen[i])
  end
end

return ''
