-- Adds the subsegments that one bundle holds of one trace to the trace's index. Atomic.
--
-- KEYS[1]  span-buf:ssr:{project:trace}, the trace's redirects. All other keys share its hash tag.
-- ARGV[1]  TTL of every key, in seconds
-- then, for each subsegment, six arguments:
--   id, parent (16 hexadecimal digits each), '1' where it holds its parent as a segment root else
--   '0', length of its records in bytes, the ids of its spans one after another (16 digits each),
--   its member of the segment's merged payloads (its id, then the payload); empty where it has none
--
-- Returns, for each subsegment, the root it is filed under and 1 where that is known to be a segment
-- root, else 0. README.md tells the data model, the cost and the guarantees.

local redirects = KEYS[1]
local ttl = tonumber(ARGV[1])
local tag = string.sub(redirects, #'span-buf:ssr:' + 1)

local FIRST, FIELDS = 2, 6
local ID_DIGITS = 16
-- The redirects' field that counts the trace's subsegments; set off from ids by its form.
local COUNT = 'subsegments'
-- And the one that is there where the trace has, or had, merged payloads: most have none, and are
-- not to pay for looking.
local MERGED = 'merged'
-- Lua's stack bounds what unpack() can pass on.
local CHUNK = 1000
-- Payloads are moved in pages of about so many bytes.
local PAGE_BYTES = 1048576
-- And the first of so many, as nothing is known of them.
local FIRST_PAGE = 10
-- So few members are moved at once, whichever side is the smaller.
local FEW = 32

local function members_key(segment)
  return 'span-buf:mk:' .. tag .. ':' .. segment
end

local function segment_key(segment)
  return 'span-buf:s:' .. tag .. ':' .. segment
end

-- Redirects as they are now: those read and those changed. false: never seen; nil: not read yet.
local known = {}
local changed, is_changed = {}, {}

local function redirect_of(id)
  local to = known[id]
  if to == nil then
    to = redis.call('HGET', redirects, id)
    known[id] = to
  end
  return to
end

local function point(id, to)
  known[id] = to
  if not is_changed[id] then
    is_changed[id] = true
    changed[#changed + 1] = id
  end
end

-- Follows redirects to their end, and points all that it passed at it.
local function root_of(id)
  local path, passed = {}, {}
  local at = id
  while true do
    local to = redirect_of(at)
    if not to or to == at or passed[to] then
      break
    end
    path[#path + 1] = at
    passed[at] = true
    at = to
  end
  for i = 1, #path - 1 do
    point(path[i], at)
  end
  return at
end

local roots_known = {}

local function has_root(segment)
  local flag = roots_known[segment]
  if flag == nil then
    flag = redis.call('EXISTS', 'span-buf:hrs:' .. segment_key(segment)) == 1
    roots_known[segment] = flag
  end
  return flag
end

-- What this call adds to a segment's counters, written once at its end.
local touched, more_spans, more_bytes = {}, {}, {}
local new_roots, refresh = {}, {}
-- Segments that this call makes: nothing of them is stored yet.
local is_new = {}

local function count(segment, spans, bytes)
  if not more_spans[segment] then
    touched[#touched + 1] = segment
    more_spans[segment], more_bytes[segment] = 0, 0
  end
  more_spans[segment] = more_spans[segment] + spans
  more_bytes[segment] = more_bytes[segment] + bytes
end

local function add_members(from, into)
  local members = redis.call('SMEMBERS', from)
  for i = 1, #members, CHUNK do
    redis.call('SADD', into, unpack(members, i, math.min(i + CHUNK - 1, #members)))
  end
end

-- Members that are payloads may be large, and many: in pages, as large as the last one suggests.
local function add_payloads(from, into)
  local cursor, page_size = '0', FIRST_PAGE
  repeat
    local page = redis.call('SSCAN', from, cursor, 'COUNT', page_size)
    local members, bytes = page[2], 0
    cursor = page[1]
    for i = 1, #members, CHUNK do
      redis.call('SADD', into, unpack(members, i, math.min(i + CHUNK - 1, #members)))
    end
    for i = 1, #members do
      bytes = bytes + #members[i]
    end
    if bytes > 0 then
      page_size = math.max(1, math.min(CHUNK, math.floor(PAGE_BYTES * #members / bytes)))
    end
  until cursor == '0'
end

-- Like merge, for merged payloads; the two may differ in which side is the smaller.
local function merge_payloads(from, into)
  local from_key, into_key = segment_key(from), segment_key(into)
  local from_size, into_size = redis.call('SCARD', from_key), redis.call('SCARD', into_key)
  if from_size == 0 then
    return
  end
  if from_size > into_size then
    if into_size > 0 then
      add_payloads(into_key, from_key)
    end
    redis.call('RENAME', from_key, into_key)
  else
    add_payloads(from_key, into_key)
    redis.call('UNLINK', from_key)
  end
  redis.call('EXPIRE', into_key, ttl)
end

-- Moves the ids of from's subsegments to into, and notes its name: whoever was told the old name, or
-- was pointed at it, must find the way for as long as the segment lasts. Only ever walks the smaller
-- side, or a few, so that a member is moved a logarithmic number of times at most.
local function move_members(from, into)
  local from_key, into_key = members_key(from), members_key(into)
  local from_size = redis.call('SCARD', from_key)
  if from_size == 0 then
    redis.call('SADD', into_key, 'n' .. from)
    return
  end
  if from_size <= FEW then
    local members = redis.call('SMEMBERS', from_key)
    members[#members + 1] = 'n' .. from
    redis.call('SADD', into_key, unpack(members))
    return
  end
  local into_size = redis.call('SCARD', into_key)
  if from_size > into_size then
    if into_size > 0 then
      add_members(into_key, from_key)
    end
    redis.call('RENAME', from_key, into_key)
    refresh[into] = true
  else
    add_members(from_key, into_key)
  end
  redis.call('SADD', into_key, 'n' .. from)
end

-- Merges a segment into another, unless it is one of a known root. Returns whether it did.
local function merge(from, into)
  local key = segment_key(from)
  local spans_key, bytes_key = 'span-buf:ic:' .. key, 'span-buf:ibc:' .. key
  local stored = {}
  if roots_known[from] == nil then
    stored = redis.call('MGET', spans_key, bytes_key, 'span-buf:hrs:' .. key)
    roots_known[from] = stored[3] ~= false
  elseif not roots_known[from] then
    stored = redis.call('MGET', spans_key, bytes_key)
  end
  if roots_known[from] then
    return false
  end
  move_members(from, into)
  if known[MERGED] then
    merge_payloads(from, into)
  end
  redis.call('DEL', members_key(from), spans_key, bytes_key)
  count(into, tonumber(stored[1] or 0), tonumber(stored[2] or 0))
  if more_spans[from] then
    count(into, more_spans[from], more_bytes[from])
    more_spans[from], more_bytes[from] = nil, nil
  end
  return true
end

-- Reads what is known of all ids of the call, in as few commands as may be.
local ids, collected = {}, {}

local function collect(id)
  if not collected[id] then
    collected[id] = true
    ids[#ids + 1] = id
  end
end

collect(COUNT)
collect(MERGED)
for at = FIRST, #ARGV, FIELDS do
  collect(ARGV[at + 1])
  local packed = ARGV[at + 4]
  for i = 1, #packed, ID_DIGITS do
    collect(string.sub(packed, i, i + ID_DIGITS - 1))
  end
end
for i = 1, #ids, CHUNK do
  local found = redis.call('HMGET', redirects, unpack(ids, i, math.min(i + CHUNK - 1, #ids)))
  for j = 1, #found do
    known[ids[i + j - 1]] = found[j]
  end
end

-- Where to file a subsegment whose parent leads to root. A call that is repeated may come after the
-- redirect of the parent is forgotten: then it is filed already, where its spans lead to.
local function place_of(id, span, root)
  local to = redirect_of(span)
  if to and to ~= span then
    local other = root_of(span)
    if other ~= root and redis.call('SISMEMBER', members_key(other), id) == 1 then
      return other
    end
  end
  return root
end

local added, filed_under = 0, {}
for at = FIRST, #ARGV, FIELDS do
  local id, parent, packed, member = ARGV[at], ARGV[at + 1], ARGV[at + 4], ARGV[at + 5]
  local target = place_of(id, string.sub(packed, 1, ID_DIGITS), root_of(parent))
  filed_under[at] = target
  if known[target] ~= target then
    is_new[target] = not known[target]
    point(target, target)
  end
  for i = 1, #packed, ID_DIGITS do
    local span = string.sub(packed, i, i + ID_DIGITS - 1)
    local to = known[span]
    if not to then
      point(span, target)
    elseif to == span and span ~= target and merge(span, target) then
      -- So far only named as a parent: now it is known what it hangs under.
      point(span, target)
    end
    -- Else it was seen before, or is a root itself: the first wins.
  end
  if redis.call('SADD', members_key(target), id) == 1 then
    added = added + 1
    count(target, #packed / ID_DIGITS, tonumber(ARGV[at + 3]))
    -- A root that was first seen as another's child is no root: the first wins.
    if ARGV[at + 2] == '1' and target == parent then
      new_roots[target] = true
      roots_known[target] = true
    end
  end
  -- Even where the subsegment is filed already: that may have been without a payload.
  if member ~= '' then
    redis.call('SADD', segment_key(target), member)
    if not known[MERGED] then
      point(MERGED, '1')
    end
  end
end

-- Read after all is added, so that the same call answers the same when it is repeated.
local answer, with_payloads, is_with_payloads = {}, {}, {}
for at = FIRST, #ARGV, FIELDS do
  local root = root_of(filed_under[at])
  if ARGV[at + 5] ~= '' and not is_with_payloads[root] then
    is_with_payloads[root] = true
    with_payloads[#with_payloads + 1] = root
  end
  answer[#answer + 1] = root
  answer[#answer + 1] = has_root(root) and 1 or 0
end

if added > 0 then
  point(COUNT, (known[COUNT] or 0) + added)
end
for i = 1, #changed, CHUNK / 2 do
  local pairs_of_chunk = {}
  for j = i, math.min(i + CHUNK / 2 - 1, #changed) do
    pairs_of_chunk[#pairs_of_chunk + 1] = changed[j]
    pairs_of_chunk[#pairs_of_chunk + 1] = known[changed[j]]
  end
  redis.call('HSET', redirects, unpack(pairs_of_chunk))
end
redis.call('EXPIRE', redirects, ttl)

for _, segment in ipairs(touched) do
  if more_spans[segment] then
    local key = segment_key(segment)
    if is_new[segment] then
      redis.call('SET', 'span-buf:ic:' .. key, more_spans[segment], 'EX', ttl)
      redis.call('SET', 'span-buf:ibc:' .. key, more_bytes[segment], 'EX', ttl)
      redis.call('EXPIRE', members_key(segment), ttl)
    else
      redis.call('INCRBY', 'span-buf:ic:' .. key, more_spans[segment])
      redis.call('INCRBY', 'span-buf:ibc:' .. key, more_bytes[segment])
    end
    if new_roots[segment] then
      redis.call('SET', 'span-buf:hrs:' .. key, '1', 'EX', ttl)
    end
    -- The keys of a segment get their TTL together; three quarters of it are as good as all.
    if not is_new[segment]
      and (refresh[segment] or redis.call('TTL', members_key(segment)) < ttl * 0.75)
    then
      redis.call('EXPIRE', members_key(segment), ttl)
      redis.call('EXPIRE', 'span-buf:ic:' .. key, ttl)
      redis.call('EXPIRE', 'span-buf:ibc:' .. key, ttl)
      if has_root(segment) then
        redis.call('EXPIRE', 'span-buf:hrs:' .. key, ttl)
      end
    end
  end
end

for _, segment in ipairs(with_payloads) do
  if redis.call('TTL', segment_key(segment)) < ttl * 0.75 then
    redis.call('EXPIRE', segment_key(segment), ttl)
  end
end

return answer
