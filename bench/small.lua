-- wrk: one small call over and over; ends with a line of JSON.
wrk.method = "POST"
wrk.path = "/v1/messages"
wrk.body = '{"model":"claude-sonnet-4-6","max_tokens":1024,"stream":false,'
  .. '"system":"You are a helpful assistant that answers in one short sentence.",'
  .. '"messages":[{"role":"user","content":"What is the capital of France, and since when has it been?"}]}'
wrk.headers["Accept"] = "application/json"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["User-Agent"] = "Anthropic/Python 1.0.0"
wrk.headers["X-Api-Key"] = "sk-ant-api03-bench-bench-bench-bench-bench"
wrk.headers["Anthropic-Version"] = "2023-06-01"
wrk.headers["X-Stainless-Lang"] = "python"
wrk.headers["X-Stainless-Package-Version"] = "1.0.0"
wrk.headers["X-Stainless-Os"] = "Linux"
wrk.headers["X-Stainless-Arch"] = "x64"
wrk.headers["X-Stainless-Runtime"] = "CPython"
wrk.headers["X-Stainless-Runtime-Version"] = "3.11.7"
wrk.headers["X-Stainless-Async"] = "false"
wrk.headers["X-Stainless-Retry-Count"] = "0"
wrk.headers["X-Stainless-Read-Timeout"] = "600"

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"rate": %.1f, "errors": %d, "latency_ms": {"p50": %.3f, "p90": %.3f, "p99": %.3f, "max": %.3f}}\n',
    summary.requests / (summary.duration / 1e6),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
