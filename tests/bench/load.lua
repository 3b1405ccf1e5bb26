-- SPDX-License-Identifier: ISC
-- What wrk sends: one native call, each request for a secret of its own, and
-- one line of JSON about how it went.  The environment says which:
--   BENCH_CALL    null, create, open, open_claim or ack
--   BENCH_SPACE   which numbers: those of two spaces never meet
--   BENCH_LIMIT   how many numbers there are; when they are used up the
--                 clock stops
--   BENCH_SKIP    how many of them an earlier run has used up
--   BENCH_SPREAD  1: take the numbers in an order that has no neighbours
-- A number's id, receipt and claim are the same text: 21 digits and an A,
-- which is base64url of 16 bytes.  plant.c has the same.

local ffi = require("ffi")
ffi.cdef [[
	struct bench_time { long s; long ns; };
	int clock_gettime(int clock, struct bench_time *time);
]]

local envelope = "\2" .. string.rep("U", 12 + 16 + 1024)
local calls = {
	create = { "/api/v2/secrets", "application/vnd.oncelink.frame",
	    '{"id":"@@","receipt":"@@","expires_in":3600}\n' .. envelope },
	open = { "/api/v2/secrets/open", "application/json", '{"id":"@@"}' },
	open_claim = { "/api/v2/secrets/open", "application/json",
	    '{"id":"@@","claim":"@@"}' },
	ack = { "/api/v2/secrets/ack", "application/json",
	    '{"id":"@@","claim":"@@"}' },
}
calls.null = calls.create

local name_length = 22
local space = tonumber(os.getenv("BENCH_SPACE"))
local limit = tonumber(os.getenv("BENCH_LIMIT"))
local skip = tonumber(os.getenv("BENCH_SKIP"))
local spread = os.getenv("BENCH_SPREAD") == "1"
local call = calls[os.getenv("BENCH_CALL")]

-- Steps of this size meet every number below the limit once: init sees to it
-- that the two have no common divisor.
local stride = 6180339

local parts = {}
local threads = {}
local time = ffi.new("struct bench_time")

started, stopped, sent = 0, 0, 0

local function clock()
	ffi.C.clock_gettime(1, time)
	return tonumber(time.s) + tonumber(time.ns) / 1e9
end

function setup(thread)
	table.insert(threads, thread)
end

local function divisor(a, b)
	while b > 0 do
		a, b = b, a % b
	end
	return a
end

function init()
	while spread and divisor(stride, limit) > 1 do
		stride = stride + 1
	end

	local body = call[3]:gsub("@@", string.rep("@", name_length))
	local text = wrk.format("POST", call[1],
	    { ["Content-Type"] = call[2], Host = wrk.headers["Host"] }, body)
	local from = 1

	while true do
		local first, last = text:find(string.rep("@", name_length),
		    from, true)
		if not first then
			break
		end
		table.insert(parts, text:sub(from, first - 1))
		from = last + 1
	end
	table.insert(parts, text:sub(from))
end

function request()
	local number, name

	if sent == 0 then
		started = clock()
	end
	if skip + sent >= limit and stopped == 0 then
		stopped = clock()
		wrk.thread:stop()
	end
	number = (skip + sent) % limit
	sent = sent + 1
	if spread then
		number = (number * stride) % limit
	end
	name = string.format("%07d%014dA", space, number + 1)
	if #parts == 2 then
		return parts[1] .. name .. parts[2]
	end
	return parts[1] .. name .. parts[2] .. name .. parts[3]
end

function done(summary, latency)
	local errors = summary.errors
	local began, ended = threads[1]:get("started"),
	    threads[1]:get("stopped")
	local seconds = summary.duration / 1e6

	if ended > 0 then
		seconds = ended - began
	end
	io.write(string.format('\n{"requests":%d,"sent":%d,"seconds":%.6f,' ..
	    '"p50":%.3f,"p99":%.3f,"max":%.3f,"bad":%d,"broken":%d}\n',
	    summary.requests, threads[1]:get("sent"), seconds,
	    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
	    latency.max / 1e3, errors.status,
	    errors.connect + errors.read + errors.write + errors.timeout))
end
