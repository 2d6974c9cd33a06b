"""From how many calls on what they meet with is a trouble: a table, a row a kind, with reasons.

The rows stand in the order of urgency. A share is of the calls that have a name in the row's dimension: of a
feature, of a model, with a key, by a route. `fails` counts calls that failed in the end; `meets` counts the
cured ones too. Where neither is reached, nothing is told: a retried 529 now and then is what the sidecar is
there for, and a caller that stops reading is commonly a person who has read enough.
"""

from claude_sidecar.causes import Cause
from claude_sidecar.hints.clients import CLIENT_NAMES, client_named
from claude_sidecar.telemetry import met
from claude_sidecar.telemetry.met import ALL, LIMIT
from claude_sidecar.telemetry.trouble import Severity
from claude_sidecar.telemetry.trouble_row import APPS, EACH_LIMIT, OFTEN, ONE_IN_FIVE, SOME, AtLeast, Row

LIMIT_FIXES = {
    "requests": "Send less at once: put work into Message Batches, join small calls.",
    "input-tokens": "Cache what prompts have in common, and trim the rest.",
    "output-tokens": "Bound max_tokens, ask for shorter answers, spread long ones.",
    "unknown": "Send less at a time and more evenly; the hint of such a call says what is known of it.",
}
_LIMITS = {
    "requests": "the limit of requests per minute",
    "input-tokens": "the input-token limit",
    "output-tokens": "the output-token limit",
    "unknown": "a limit that the answer does not name",
}

TABLE = (
    Row(
        Cause.AUTHENTICATION.value,
        "authentication",
        ("key",),
        "get 401: the key is missing, wrong or revoked",
        "Put the right key where the hint of such a call says; `claude-sidecar doctor` tries it.",
        "errors.md#401",
        fails=ONE_IN_FIVE,
        meets=ONE_IN_FIVE,
    ),
    Row(
        Cause.BILLING.value,
        "billing",
        ("key",),
        "get 402: the account behind the key cannot pay",
        "Put the account's payment in order in the Console, or give the route another key.",
        "errors.md#402",
        fails=ONE_IN_FIVE,
        meets=ONE_IN_FIVE,
    ),
    Row(
        met.SPEND_LIMIT,
        met.SPEND_LIMIT,
        ("key", ALL),
        "meet the spend limit, which no waiting brings back",
        "Raise the spend limit in the Console, or give the route a key of another workspace.",
        "errors.md#429",
        fails=AtLeast(1, 1.0),
        meets=AtLeast(1, 1.0),
    ),
    Row(
        "gateway_credential_missing",
        "credential-missing",
        ("model", ALL),
        "fail because there is no key to send",
        "Give the route its Secret, file or variable.",
        "errors.md#gateway_credential_missing",
        fails=AtLeast(1, 1.0),
    ),
    Row(
        "gateway_no_route",
        "no-route",
        ("model", ALL),
        "fail because no route serves the model",
        "Add the model to a route's `models`, or correct its name in the app.",
        "errors.md#gateway_no_route",
        fails=AtLeast(1, 1.0),
    ),
    Row(
        Cause.PERMISSION.value,
        "permission",
        ("model", "key", "feature"),
        "get 403: the key may not do this",
        "Ask for the model with another key, or have the workspace's access checked; `claude-sidecar doctor "
        "--model` tells the two apart.",
        "errors.md#403",
        fails=AtLeast(2, 5.0),
        meets=AtLeast(2, 20.0),
    ),
    Row(
        Cause.NOT_FOUND.value,
        "not-found",
        ("model",),
        "get 404: no such model for this key",
        "Correct the name in the app, or use a key of the workspace that has the model.",
        "errors.md#404",
        fails=ONE_IN_FIVE,
        meets=ONE_IN_FIVE,
    ),
    Row(
        Cause.CONNECTION_FAILURE.value,
        "unreachable",
        ("route",),
        "do not reach the API, or lose the connection",
        "Look at the message of such a call: it names the hop that failed; `claude-sidecar doctor` checks "
        "DNS, TLS and proxies.",
        "errors.md#gateway_unreachable",
        fails=SOME,
        meets=OFTEN,
    ),
    Row(
        Cause.OVERLOADED.value,
        "overloaded",
        ("route", "model"),
        "get 529: the API is overloaded, whosever calls they are",
        "Wait, or add a route to the policy; a higher tier changes nothing.",
        "errors.md#529",
        fails=SOME,
        meets=OFTEN,
    ),
    Row(
        Cause.SERVER_ERROR.value,
        "server-error",
        ("route", "model"),
        "get 500 or another 5xx: the API, or something on the way to it, fails",
        "Look at the provider's status page; add a route to the policy. The requests are not the reason.",
        "errors.md#500",
        fails=SOME,
        meets=OFTEN,
    ),
    Row(
        Cause.TIMEOUT.value,
        "time-out",
        ("route", "model", "feature"),
        "get no answer in time",
        "Stream long answers, or raise `timeouts` of the policy and the time-out of the app's SDK.",
        "errors.md#silence",
        fails=SOME,
        meets=OFTEN,
    ),
    Row(
        met.INTERRUPTED,
        "cut-stream",
        ("route", "feature"),
        "break off after they began",
        "Look at which proxy or gateway on the way cuts connections, and after how long.",
        "errors.md#streams-that-stop",
        fails=SOME,
    ),
    *(
        Row(
            LIMIT + limit,
            LIMIT + limit,
            ("feature", "model", "key"),
            f"meet {named}",
            LIMIT_FIXES[limit],
            "errors.md#429",
            meets=EACH_LIMIT,
        )
        for limit, named in _LIMITS.items()
    ),
    Row(
        Cause.TOO_LARGE.value,
        "too-large",
        ("feature", "model", ALL),
        "get 413: the request is too large",
        "Upload images and documents by the Files API once, and refer to them.",
        "errors.md#413",
        fails=APPS,
    ),
    Row(
        "gateway_request_too_large",
        "too-large-here",
        ("feature", ALL),
        "have a larger body than `limits.maxBodyMiB`",
        "Upload images and documents by the Files API once, and refer to them.",
        "errors.md#gateway_request_too_large",
        fails=APPS,
    ),
    Row(
        Cause.INVALID_REQUEST.value,
        "invalid-request",
        ("feature", "model", ALL),
        "get 400: the request itself is wrong",
        "Correct it in the app: the hint of such a call says what is wrong with it.",
        "errors.md#400",
        fails=AtLeast(5, 5.0),
    ),
    Row(
        "gateway_bad_request",
        "bad-request",
        (ALL,),
        "cannot be forwarded, or come from a web page",
        "Look at the message of such a call: it says which, and what to change.",
        "errors.md#gateway_bad_request",
        fails=APPS,
    ),
    Row(
        "gateway_busy",
        "busy",
        (ALL,),
        "are turned away here: too many are under way",
        "Raise the limit that the message of such a call names, or send less at once.",
        "errors.md#gateway_busy",
        fails=AtLeast(1, 1.0),
    ),
    Row(
        "gateway_bug",
        "bug",
        (ALL,),
        "end in a fault of the sidecar itself",
        "Report it with the log line of such a call.",
        "errors.md#gateway_bug",
        fails=AtLeast(1, 0.0),
    ),
    Row(
        met.REFUSED,
        "retries/refused",
        ("route", ALL),
        "fail because the retry budget has no turn left for them",
        "Cure what makes so many fail; if this is common, raise `retry.budget`.",
        "decision.md",
        fails=SOME,
    ),
    Row(
        met.EXHAUSTED,
        "retries/exhausted",
        ("route", ALL),
        "fail in spite of all their repeats",
        "Add a route to the policy, or raise `retry.maxAttempts` or the deadline.",
        "decision.md",
        fails=AtLeast(5, 5.0),
    ),
    *(
        Row(
            met.BLIND_REPEAT + client,
            f"blind-repeats/{client}",
            ("feature", "key"),
            f"are sent again by a client ({client}) although it was told not to",
            f"Have each call repeated in one place only: {client_named(client).stop}",
            "clients.md#blind-repeats",
            meets=AtLeast(2, 1.0),
        )
        for client in CLIENT_NAMES
    ),
    Row(
        met.LEFT,
        "callers-leave",
        ("feature", "model", ALL),
        "are given up by the app before the answer is there",
        "If nobody stopped them on purpose, raise the app's time-out, or stream.",
        "errors.md#silence",
        meets=AtLeast(10, 30.0),
        severity=Severity.WATCH,
    ),
)
