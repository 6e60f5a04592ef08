-- For wrk: what to send, from the environment, and the figures as one line of JSON at the end.
local size = tonumber(os.getenv("BENCH_BODY") or "0")
local extra = tonumber(os.getenv("BENCH_FIELDS") or "0")
local spread = tonumber(os.getenv("BENCH_SPREAD") or "0")

if size > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("0123456789abcdef", math.ceil(size / 16)):sub(1, size)
end
for i = 1, extra do
  wrk.headers["X-Field-" .. i] = "the value of field " .. i
end

if spread > 0 then
  -- Path after path, in turn: %d in the URL is the number of a plugin.
  local made, at = {}, 0
  function init()
    for i = 1, spread do
      made[i] = wrk.format(nil, (wrk.path:gsub("NUMBER", tostring(i))))
    end
  end
  function request()
    at = at % spread + 1
    return made[at]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "us": %d, "bytes": %d, "bad": %d, "broken": %d, "p50": %d, "p99": %d, "p999": %d, "max": %d}\n',
    summary.requests, summary.duration, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
