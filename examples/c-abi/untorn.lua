-- LuaJIT: the header's declarations as they are, through the preprocessor (run.py does it).
-- Usage: luajit untorn.lua LIBRARY DECLARATIONS DIRECTORY
local ffi = require("ffi")
ffi.cdef(io.open(arg[2]):read("*a"))
local untorn, dir = ffi.load(arg[1]), arg[3] .. "/"

-- An error is freed here, so that no caller can forget it. ffi.gc() frees handles that a
-- program lost; one that holds a lock must be released by name, at once.
local err = ffi.new("untorn_error *[1]")
local function check(code)
  if code == 0 then return end
  local name, message = ffi.string(untorn.untorn_code_name(code)), ffi.string(untorn.untorn_error_message(err[0]))
  local pid = untorn.untorn_holder_pid(untorn.untorn_error_holder(err[0]))
  untorn.untorn_error_free(err[0])
  error({ code = name, message = message, pid = pid }, 2)
end

local journal, position = ffi.new("untorn_journal *[1]"), ffi.new("untorn_position")
check(untorn.untorn_journal_open(dir .. "j.jsonl", nil, journal, err))
journal = ffi.gc(journal[0], untorn.untorn_journal_close)
check(untorn.untorn_journal_append(journal, "[1]", 3, nil, position, err))
print("appended " .. tonumber(position.offset))

local document, update = ffi.new("untorn_document *[1]"), ffi.new("untorn_update *[1]")
local data, len = ffi.new("const uint8_t *[1]"), ffi.new("size_t[1]")
check(untorn.untorn_document_open(dir .. "n.json", nil, document, err))
check(untorn.untorn_document_begin_update(document[0], nil, update, err))
untorn.untorn_update_value(update[0], data, len)
local n = tostring((data[0] ~= nil and tonumber(ffi.string(data[0], len[0])) or 0) + 1)
local code = untorn.untorn_update_save(update[0], n, #n, nil, err)
untorn.untorn_update_finish(update[0]) -- in any case: it has the lock
untorn.untorn_document_close(document[0])
check(code)
print("updated " .. n)

-- Lua's one thread waits within the call, and Ctrl-C ends the program: LuaJIT sets no
-- signal handler of its own. An event callback would come on a thread that Lua does not
-- know, which crashes it.
local options, lock = ffi.new("untorn_lock_options"), ffi.new("untorn_lock *[1]")
untorn.untorn_lock_options_init(options, ffi.sizeof(options))
options.timeout_ms = 100
local _, late = pcall(function() check(untorn.untorn_lock_acquire(dir .. "busy", options, lock, err)) end)
print("timeout " .. late.code .. " " .. late.pid)

local follow, kind = ffi.new("untorn_follow *[1]"), ffi.new("int32_t[1]")
check(untorn.untorn_journal_follow(journal, position, follow, err))
check(untorn.untorn_journal_append(journal, "[2]", 3, nil, nil, err))
check(untorn.untorn_follow_next(follow[0], nil, kind, data, len, nil, nil, err))
print("followed " .. ffi.string(data[0], len[0]))
untorn.untorn_follow_free(follow[0])

local lost = ffi.new("untorn_journal *[1]")
local _, none = pcall(function() check(untorn.untorn_journal_open(dir .. "no/such", nil, lost, err)) end)
print("error " .. none.code .. " " .. none.message)
