"""Endpoints put together at random: API server and sidecar admit the same ones."""

import itertools
import random
from collections.abc import Callable
from typing import Any

from support.cluster.api_client import Reply

from claude_operator.crd.judge import judge

HOSTS = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1",
    "127.1.2.3",
    "127.0.0.256",
    "127.0.0.1.",
    "1.2.3.4",
    "01.2.3.4",
    "0x7f.1",
    "[::1]",
    "[::01]",
    "[0:0:0:0:0:0:0:1]",
    "[::0.0.0.1]",
    "[::ffff:1.2.3.4]",
    "[fe80::1]",
    "[::1",
    "::1",
    "[]",
    "[v1.x]",
    "a.b",
    "a..b",
    "a.b.",
    "a-b.c",
    "-a.b",
    "a-.b",
    "a_b",
    "_a",
    "1a.2",
    "a.2",
    "2.a",
    "xn--a",
    "h%41",
    "é",
    "v1",
    "a,b",
    "a;b",
]
PARTS = (
    ["https://", "http://"],
    ["", "", "", "u@", "u:p@", "@"],
    [*HOSTS, "", "a b", "a\tb"],
    ["", "", "", ":", ":0", ":00", ":1", ":0080", ":65535", ":65536", ":-1", ":x", ":8 0"],
    [
        "/",
        "//",
        "/a",
        "/a/",
        "/v1",
        "/v1/",
        "/av1",
        "/v1a",
        "/v1/messages",
        "/messages",
        "/x/v1",
        "/v1/complete/",
        "/v1/x",
        "//v1",
        "/V1",
        "/a//b",
        "/./a",
        "/..",
        "/.a",
        "/a..",
        "/%2f",
        "/%zz",
        "/%",
        "/a?b",
        "/a#b",
        "?",
        "#",
        "/a@b",
        "/a:b",
        "/a[b]",
        "/a\\b",
        "\\a",
        "/a^b",
        "/~a!$&'()*+,;=",
        "",
        "",
        "/a b",
    ],
)
TRIES = 40


def test_server_and_sidecar_admit_the_same_endpoints(attempt: Callable[[Any], Reply]) -> None:
    chance = random.Random(20)
    apart = []
    for insecure in itertools.islice(itertools.cycle(["Allow", "Forbid"]), TRIES):
        endpoints = ["".join(chance.choice(part) for part in PARTS) for _ in range(8)]
        routes = [
            {"name": f"r{number}", "endpoint": endpoint, "insecure": insecure}
            for number, endpoint in enumerate(endpoints)
        ]
        spec = {"routes": routes}
        told = attempt(spec).message
        judged = "\n".join(judge(spec, "p", "n"))
        for number, endpoint in enumerate(endpoints):
            place = f"spec.routes[{number}].endpoint: "
            if (place in told) != (place in judged):
                apart.append((endpoint, insecure))
    assert apart == []
