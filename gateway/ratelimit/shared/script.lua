-- SPDX-License-Identifier: Apache-2.0
-- The generic cell rate algorithm for several buckets at once. A bucket is the moment at which the requests so far would
-- have come if they had come evenly, by the server's clock: seconds since 1970, and microseconds with three decimals. They
-- are apart because a double has not enough digits for both: what it rounds would add up.
-- ARGV: for each key its interval and its room (how far it may run ahead), in microseconds, and 1 if it refuses nothing.
-- Answers, for each key: 1 if it allows the request, how many more may come at once, and after how many microseconds one may.
if redis.replicate_commands then redis.replicate_commands() end -- before Redis 7 a script that reads the clock has to say so
local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])
local slack = 0.01 -- more than differences of less than two years are rounded by
local answer, write, refused = {}, {}, false
for i, key in ipairs(KEYS) do
	local interval, room, a = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), 3 * i - 2
	local used = 0
	local s, u = string.match(redis.call('GET', key) or '', '^(%d+) ([%d.]+)$')
	if s then used = math.max((tonumber(s) - seconds) * 1000000 + (tonumber(u) - micros), 0) end
	if used > room + slack then
		-- Further ahead than this limit lets any bucket be: another limit or another clock was in force. It is empty.
		used = room
		write[i] = used
	end
	local ahead = used + interval
	if ahead > room + slack then
		if ARGV[3 * i] ~= '1' then refused = true end
		answer[a], answer[a + 1], answer[a + 2] = 0, 0, math.ceil(ahead - room - slack)
	else
		write[i] = ahead
		answer[a], answer[a + 1], answer[a + 2] = 1, math.max(math.floor((room - ahead + slack) / interval), 0), 0
	end
end
for i, key in ipairs(KEYS) do
	if write[i] and not (refused and answer[3 * i - 2] == 1) then
		local over = math.floor((micros + write[i]) / 1000000)
		local value = string.format('%.0f %.3f', seconds + over, micros + write[i] - over * 1000000)
		-- Rounded up: a bucket that is forgotten a moment too early is a full one.
		redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(math.ceil(write[i] / 1000), 1)))
	end
end
return answer
