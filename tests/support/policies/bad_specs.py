"""Bad specs, by who refuses them: API server, `claude-sidecar check` and operator are held to this table."""

MANY = ", ".join(f"{{name: r{number}}}" for number in range(9))
PLAIN = "{name: a, endpoint: 'https://h.example"

SAME_WORDS = [
    # Refused by CEL and by check, in these words.
    ("{routes: [{name: a}, {name: b}, {name: a}]}", "another route has this name"),
    (
        "{routes: [{name: a, endpoint: 'http://api.anthropic.com'}]}",
        "http:// sends the key in clear text and is allowed for loopback only; use https://, or set `",
    ),
    ("{routes: [{name: a, endpoint: 'http://127.0.0.1.example'}]}", "is allowed for loopback only"),
    ("{routes: [{name: a, endpoint: 'http://localhost.example:80/x'}]}", "is allowed for loopback only"),
    ("{routes: [{name: a, endpoint: 'http://10.0.0.1', insecure: Forbid}]}", "is allowed for loopback only"),
    ("{routes: [{name: a, endpoint: 'http://[::2]:80'}]}", "is allowed for loopback only"),
    ("{routes: [" + PLAIN + "/ä'}]}", "must be plain ASCII without spaces"),
    ("{routes: [{name: a, endpoint: 'https://h.ex ample'}]}", "must be plain ASCII without spaces"),
    ("{routes: [{name: a, endpoint: 'https://u:p@h.example'}]}", "must not hold a user or password"),
    ("{routes: [{name: a, endpoint: 'https://@h.example'}]}", "must not hold a user or password"),
    ("{routes: [" + PLAIN + "?x=1'}]}", "must not hold a query or a fragment"),
    ("{routes: [" + PLAIN + "/a?'}]}", "must not hold a query or a fragment"),
    ("{routes: [" + PLAIN + "/#x'}]}", "must not hold a query or a fragment"),
    ("{routes: [" + PLAIN + ":0'}]}", "has no usable port after the colon; allowed: 1 to 65535"),
    ("{routes: [" + PLAIN + ":/x'}]}", "has no usable port after the colon; allowed: 1 to 65535"),
    ("{routes: [{name: a, endpoint: 'https://'}]}", "names no host; allowed: https://HOST"),
    ("{routes: [{name: a, endpoint: 'https://:443/x'}]}", "names no host; allowed: https://HOST"),
    ("{routes: [{name: a, endpoint: 'https://h..example'}]}", "is neither a DNS name nor an IP address"),
    ("{routes: [{name: a, endpoint: 'https://-h.example'}]}", "is neither a DNS name nor an IP address"),
    ("{routes: [{name: a, endpoint: 'https://[v1.x]'}]}", "is neither a DNS name nor an IP address"),
    ("{routes: [{name: a, endpoint: 'https://127.1'}]}", "is neither a DNS name nor an IP address"),
    ("{routes: [{name: a, endpoint: 'https://256.1.1.1'}]}", "is neither a DNS name nor an IP address"),
    (
        "{routes: [{name: a, endpoint: 'https://" + "h" * 64 + ".example'}]}",
        "is neither a DNS name nor an IP",
    ),
    ("{routes: [" + PLAIN + "/v1'}]}", "must not end in /v1: SDKs add it themselves; leave it off"),
    ("{routes: [" + PLAIN + "/base/v1//'}]}", "must not end in /v1: SDKs add it themselves; leave it off"),
    ("{routes: [" + PLAIN + "/v1/messages'}]}", "must not end in /v1: SDKs add it themselves; leave it off"),
    ("{routes: [" + PLAIN + "/a//b'}]}", "has a base path with an empty, dotted or badly escaped segment"),
    ("{routes: [" + PLAIN + "/a/../b'}]}", "has a base path with an empty, dotted or badly escaped segment"),
    ("{routes: [" + PLAIN + "/a%2'}]}", "has a base path with an empty, dotted or badly escaped segment"),
    ("{routes: [" + PLAIN + "/a[b'}]}", "has a base path with an empty, dotted or badly escaped segment"),
    ("{routes: [{name: a, credential: {}}]}", "names no source; give "),
    (
        "{routes: [{name: a, credential: {secretKeyRef: {key: sk-ant-api03-x}}}]}",
        "looks like a key itself; name the place where the key is kept",
    ),
    (
        "{routes: [{name: a, credential: {secretKeyRef: {name: sk-ant-x, key: k}}}]}",
        "looks like a key itself; name the place where the key is kept",
    ),
    ("{routes: [{name: a, models: [{name: m}, {name: m}]}]}", "the route already lists this model"),
    (
        "{routes: [{name: a, models: [{name: m}, {name: n, id: m}]}]}",
        "would be answered by another model; name such a swap in `fallback.substitutions`",
    ),
    (
        "{routes: [{name: a, models: [{name: m, id: x}, {name: n-latest, id: x}]}]}",
        "would be answered by another model; name such a swap in `fallback.substitutions`",
    ),
    (
        "{routes: [{name: a, models: [{name: m, id: x}, {name: m-5, id: x}]}]}",
        "would be answered by another model; name such a swap in `fallback.substitutions`",
    ),
    ("{retry: {causes: [Timeout, RateLimit, Timeout]}}", "names Timeout twice; name each cause once"),
    ("{retry: {backoff: {initial: 1m}}}", "`initial` must not be longer than `max`"),
    ("{retry: {backoff: {max: 999ms}}}", "`initial` must not be longer than `max`"),
    ("{retry: {backoff: {initial: 1h1ms, max: 60m}}}", "`initial` must not be longer than `max`"),
    ("{fallback: {causes: [Billing, Billing]}}", "names Billing twice; name each cause once"),
    (
        "{fallback: {substitutions: [{model: m, with: [n]}, {model: m, with: [o]}]}}",
        "this model already has a substitution; list all in one",
    ),
    ("{fallback: {substitutions: [{model: m, with: [n, m]}]}}", "is the model itself; name another model"),
    ("{fallback: {substitutions: [{model: m, with: [n, n]}]}}", "names n twice; name each model once"),
    ("{timeouts: {connect: 0s}}", "must be longer than 0s"),
    ("{timeouts: {total: 0h0m00s0ms}}", "must be longer than 0s"),
    ("{circuitBreaker: {window: 0ms}}", "must be longer than 0s"),
    (
        "{pacing: {mode: Enforce}}",
        "Enforce is not implemented yet; write Observe, which learns the limits and reports them",
    ),
    (
        "{telemetry: {featureHeader: X-Api-Key}}",
        "must not name a header that carries a credential: its value becomes a metric label",
    ),
    ("{prices: [{model: m}, {model: m}]}", "this model already has a price; give each model one"),
]

SAME_PLACE = [
    # Refused by the schema and by check, each in its own words, both at this place.
    ("{routes: []}", "spec.routes"),
    ("{routes: [" + MANY + "]}", "spec.routes"),
    ("{routes: [{}]}", "spec.routes[0].name"),
    ("{routes: [null]}", "spec.routes[0]"),
    ("{routes: {name: a}}", "spec.routes"),
    ("{routes: [{name: A_b}]}", "spec.routes[0].name"),
    ("{routes: [{name: true}]}", "spec.routes[0].name"),
    ("{routes: [{name: " + "a" * 64 + "}]}", "spec.routes[0].name"),
    ("{routes: [{name: a, provider: anthropic}]}", "spec.routes[0].provider"),
    ("{routes: [{name: a, provider: Bedrock}]}", "spec.routes[0].provider"),
    ("{routes: [{name: a, insecure: allow}]}", "spec.routes[0].insecure"),
    ("{routes: [{name: a, endpoint: api.anthropic.com}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, endpoint: 'https://" + "h." * 256 + "'}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, endpoint: 'https://h.example:99999'}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, endpoint: 'https://[::1]x/y'}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, endpoint: 'https://h.example:x'}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, endpoint: 'https://[fe80::1%25eth0]'}]}", "spec.routes[0].endpoint"),
    ("{routes: [{name: a, credential: {secretKeyRef: {}}}]}", "spec.routes[0].credential.secretKeyRef.key"),
    (
        "{routes: [{name: a, credential: {secretKeyRef: {key: ../x}}}]}",
        "routes[0].credential.secretKeyRef.key",
    ),
    (
        "{routes: [{name: a, credential: {secretKeyRef: {key: k, name: a/b}}}]}",
        "credential.secretKeyRef.name",
    ),
    ("{routes: [{name: a, models: []}]}", "spec.routes[0].models"),
    ("{routes: [{name: a, models: [m]}]}", "spec.routes[0].models[0]"),
    ("{routes: [{name: a, models: [{name: a b}]}]}", "spec.routes[0].models[0].name"),
    ("{retri: {}}", "spec.retri"),
    ("{retry: {max_attempts: 3}}", "spec.retry.max_attempts"),
    ("{retry: {maxAttempts: 0}}", "spec.retry.maxAttempts"),
    ("{retry: {maxAttempts: 11}}", "spec.retry.maxAttempts"),
    ('{retry: {maxAttempts: "3"}}', "spec.retry.maxAttempts"),
    ("{retry: {maxAttempts: 2.5}}", "spec.retry.maxAttempts"),
    ("{retry: {maxRetryAfter: 60}}", "spec.retry.maxRetryAfter"),
    ("{retry: {maxRetryAfter: 1d}}", "spec.retry.maxRetryAfter"),
    ("{retry: {maxRetryAfter: 123456s}}", "spec.retry.maxRetryAfter"),
    ("{retry: {causes: [ratelimit]}}", "spec.retry.causes[0]"),
    ("{retry: {causes: [Billing]}}", "spec.retry.causes[0]"),
    ("{retry: {budget: {percent: 101}}}", "spec.retry.budget.percent"),
    ("{retry: {budget: {minPerSecond: -1}}}", "spec.retry.budget.minPerSecond"),
    ("{fallback: {causes: [InvalidRequest]}}", "spec.fallback.causes[0]"),
    ("{fallback: {substitutions: [{model: m, with: []}]}}", "spec.fallback.substitutions[0].with"),
    ("{fallback: {substitutions: [{model: m}]}}", "spec.fallback.substitutions[0].with"),
    ("{circuitBreaker: {failurePercent: 0.5}}", "spec.circuitBreaker.failurePercent"),
    ("{circuitBreaker: {minRequests: 1000001}}", "spec.circuitBreaker.minRequests"),
    ("{stream: {hold: Header}}", "spec.stream.hold"),
    ("{pacing: {mode: false}}", "spec.pacing.mode"),
    ("{pacing: {mode: enforce}}", "spec.pacing.mode"),
    ("{telemetry: {traces: {successesPerSecond: 0.5}}}", "spec.telemetry.traces.successesPerSecond"),
    ("{limits: []}", "spec.limits"),
    ("{limits: {maxBodyMiB: 1025}}", "spec.limits.maxBodyMiB"),
    ("{telemetry: {traces: {propagate: 'yes'}}}", "spec.telemetry.traces.propagate"),
    ("{telemetry: {featureHeader: 'a b'}}", "spec.telemetry.featureHeader"),
    ("{prices: [{model: m, inputPerMTok: 3.5}]}", "spec.prices[0].inputPerMTok"),
    ("{prices: [{model: m, inputPerMTok: '-1'}]}", "spec.prices[0].inputPerMTok"),
    ("{prices: [{model: m, cacheWrite1hPerMTok: '6.00000000'}]}", "spec.prices[0].cacheWrite1hPerMTok"),
    ("[]", "spec"),
]

ONLY_JUDGED = [
    # Admitted by the API server; refused by check and by the operator's judging in these words.
    (
        "{routes: [{name: a, models: [{name: m-20250929, id: x}, {name: n-latest, id: x}]}]}",
        "would be answered by another model; name such a swap in `fallback.substitutions`",
    ),
    ("{routes: [{name: a, endpoint: 'https://[1:2]'}]}", "does not appear to be an IPv4 or IPv6 address"),
    (
        "{routes: [{name: a, endpoint: 'https://[::ffff:1.2.3.400]:443/x'}]}",
        "does not appear to be an IPv4 or IPv6 address",
    ),
    ("{routes: [{name: a, endpoint: 'http://[0:1]'}]}", "does not appear to be an IPv4 or IPv6 address"),
    (
        "{routes: [{name: a, endpoint: 'https://" + ("h" * 60 + ".") * 5 + "example'}]}",
        "is neither a DNS name nor an IP address",
    ),
]

ONLY_LOCAL = [
    # Good for check, which knows local use; refused in a cluster by the API server and by the judging.
    ("{routes: [{name: a, credential: {file: keys/a}}]}", "spec.routes[0].credential.file"),
    ("{routes: [{name: a, credential: {env: KEY}}]}", "spec.routes[0].credential.env"),
]
