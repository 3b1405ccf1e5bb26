-- SPDX-License-Identifier: ISC
-- What wrk sends to measure the PIN: a secret is made on the SafeSecrets
-- face, then read, each of which costs one Argon2id.  Prints what load.lua
-- prints.

local message = string.rep("m", 64)
local pin = "12345"
local keys = {}
local threads = {}
local create

strange = 0

function setup(thread)
	table.insert(threads, thread)
end

function init()
	create = wrk.format("POST", "/api/v1/message",
	    { ["Content-Type"] = "application/json",
	    Host = wrk.headers["Host"] },
	    '{"message":"' .. message .. '","exp":3600,"pin":"' .. pin ..
	    '"}')
end

function request()
	local key = table.remove(keys)

	if not key then
		return create
	end
	return wrk.format("GET", "/api/v1/message/" .. key .. "/" .. pin)
end

function response(status, headers, body)
	if status == 201 then
		table.insert(keys, body:match('"key":%s*"([^"]+)"'))
	elseif status ~= 200 or not body:find(message, 1, true) then
		strange = strange + 1
	end
end

function done(summary, latency)
	local errors = summary.errors

	io.write(string.format('\n{"requests":%d,"sent":%d,"seconds":%.6f,' ..
	    '"p50":%.3f,"p99":%.3f,"max":%.3f,"bad":%d,"broken":%d}\n',
	    summary.requests, summary.requests, summary.duration / 1e6,
	    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
	    latency.max / 1e3, errors.status + threads[1]:get("strange"),
	    errors.connect + errors.read + errors.write + errors.timeout))
end
