"""What is observed and what it means: tables without a socket."""

import ssl
from dataclasses import replace

import pytest
import trustme

from claude_sidecar.doctor.check import Check, CheckId, Result, Verdict, verdict_of
from claude_sidecar.doctor.observed import Arrival, DialFacts, Exchange, FamilyFacts, NameFacts
from claude_sidecar.doctor.verdicts.base_url import base_url
from claude_sidecar.doctor.verdicts.calls import Call, known_good_check, wanted_check
from claude_sidecar.doctor.verdicts.certificate import read_certificate
from claude_sidecar.doctor.verdicts.clock_skew import clock_check
from claude_sidecar.doctor.verdicts.connections import connect_check, tls_check
from claude_sidecar.doctor.verdicts.known_good import known_good
from claude_sidecar.doctor.verdicts.names import names_check
from claude_sidecar.doctor.verdicts.sidecar import route_checks
from claude_sidecar.doctor.verdicts.stripped_header import stripped_header_check
from claude_sidecar.simulator.errors import ApiError, envelope

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-4-8"
KEY_LINES = ((b"x-api-key", b"sk-ant-api03-Qm7ZxV2kPwR9tYbN4sLcJ8dF"), (b"anthropic-version", b"2023-06-01"))
FINGERPRINT = "f2507712"
OK = Exchange(200, (), b'{"type":"message","model":"claude-haiku-4-5-20251001"}')


def failed(status: int, message: str | None = None, code: str | None = None) -> Exchange:
    """An error as the API words it."""
    error = ApiError(status, message, code=code)
    return Exchange(status, (), envelope(error.error_type, error.message, "req_1", code))


def call(model: str, came: Exchange) -> Call:
    answered = Exchange(200, (), OK.body.replace(b"claude-haiku-4-5-20251001", model.encode()))
    return Call(model, answered if came is OK else came, "this key", KEY_LINES, own_credential=False)


HANGS = Exchange(trouble="nothing within 12 s", timed_out=True)
DIED = Exchange(trouble="the connection was closed")
PAGE = Exchange(200, ((b"content-type", b"text/html"),), b"<html>")

CALLS = [
    # known-good, wanted; how each check ends; a part of the one that matters.
    (OK, None, "ok", "skipped", "the bug is in the client"),
    (OK, OK, "ok", "ok", "claude-opus-4-8 answered"),
    (OK, failed(403), "ok", "fault", "lacks claude-opus-4-8"),
    (OK, failed(404), "ok", "fault", "a workspace that lacks a model answers 404 too"),
    (OK, failed(529), "ok", "fault", "only claude-opus-4-8 fails (529)"),
    (OK, failed(500), "ok", "fault", "the provider's trouble is this model's"),
    (OK, failed(429), "ok", "fault", "a limit is reached"),
    (OK, failed(400, "prompt is too long"), "ok", "fault", "context window"),
    (OK, HANGS, "ok", "unknown", "no answer came"),
    (failed(401), failed(401), "fault", "skipped", "revoked"),
    (failed(403), failed(403), "fault", "skipped", "the workspace or key is restricted"),
    (failed(403, "key scope"), failed(403), "fault", "skipped", "the key's scope does not cover"),
    (failed(500), failed(500), "fault", "skipped", "did not cause it"),
    (failed(529), failed(529), "fault", "skipped", "not your key, not your quota"),
    (failed(402), failed(402), "fault", "skipped", "can't pay"),
    (failed(429, code="enforced_spend_limit_reached"), None, "fault", "skipped", "spend limit is reached"),
    (failed(429), OK, "skipped", "ok", "claude-opus-4-8 answered"),
    (failed(404), OK, "skipped", "ok", "the key is fine"),
    (failed(404), failed(403), "fault", "fault", "is not found"),
    (PAGE, PAGE, "fault", "skipped", "a web page"),
    (Exchange(307), None, "fault", "skipped", "redirected (307)"),
    (Exchange(407), None, "fault", "skipped", "a proxy on the way wants a credential"),
    (Exchange(404, (), b"nothing here"), None, "fault", "skipped", "another server answers there"),
    (Exchange(413, (), b"<html>"), None, "fault", "skipped", "refused with 413"),
    (Exchange(502, (), b"<html>"), None, "fault", "skipped", "load balancer or edge"),
    (HANGS, HANGS, "unknown", "skipped", "the connection stands but no answer came"),
    (DIED, None, "fault", "skipped", "no answer came: the connection was closed"),
    (failed(503), OK, "skipped", "ok", "the key is fine"),
]


@pytest.mark.parametrize(("known", "wanted", "first", "second", "says"), CALLS)
def test_two_calls_tell_key_model_workspace_and_client_apart(
    known: Exchange, wanted: Exchange | None, first: str, second: str, says: str
) -> None:
    one = call(HAIKU, known)
    other = call(OPUS, wanted) if wanted is not None else None
    checks = known_good_check("there", one, other), wanted_check("there", other, one)
    assert [check.result for check in checks] == [first, second]
    assert any(says in f"{check.finding} {check.fix}" for check in checks), checks


def own(error_type: str) -> Exchange:
    body = f'{{"type":"error","error":{{"type":"{error_type}","message":"m"}}}}'
    return Exchange(503, (), body.encode())


@pytest.mark.parametrize(
    ("error_type", "says"),
    [
        ("gateway_unreachable", "reached none of its routes"),
        ("gateway_no_route", "has no route for this model"),
        ("gateway_credential_missing", "lacks the credential"),
        ("gateway_busy", "no room"),
    ],
)
def test_a_sidecars_own_error_is_told_as_its_own(error_type: str, says: str) -> None:
    assert says in known_good_check("there", call(HAIKU, own(error_type)), None).finding


@pytest.mark.parametrize(
    ("lost", "arrival", "came", "result"),
    [
        ([], Arrival("w", frozenset({"x-api-key", "anthropic-version"})), OK, "ok"),
        (["x-api-key"], Arrival("w", frozenset({"anthropic-version"})), failed(401), "fault"),
        (["anthropic-version"], Arrival("w", frozenset({"x-api-key"})), failed(400), "fault"),
        ([], Arrival("w", None, FINGERPRINT), OK, "ok"),
        (["x-api-key"], Arrival("w", None, "none"), failed(401), "fault"),
        (["another key"], Arrival("w", None, "0a1b2c3d"), OK, "fault"),
        ([], Arrival("w", None, "hidden"), OK, "ok"),
        ([], None, OK, "ok"),
        (["x-api-key"], None, failed(401, "x-api-key header is required"), "fault"),
        (["anthropic-version"], None, failed(400, "anthropic-version: header is required"), "fault"),
        ([], None, failed(401), "skipped"),
        ([], None, None, "skipped"),
    ],
)
def test_what_was_sent_is_held_against_what_arrived(
    lost: list[str], arrival: Arrival | None, came: Exchange | None, result: str
) -> None:
    check = stripped_header_check("there", KEY_LINES, came, arrival)
    assert check.result == result
    assert all(name in check.finding for name in lost)


@pytest.mark.parametrize(
    ("text", "result", "host", "path"),
    [
        ("https://api.anthropic.com", "ok", "api.anthropic.com", ""),
        ("https://api.anthropic.com/", "ok", "api.anthropic.com", ""),
        ("http://127.0.0.1:8787", "ok", "127.0.0.1", ""),
        ("http://gateway.shop.svc:80/claude", "ok", "gateway.shop.svc", "/claude"),
        ("https://api.anthropic.com/v1", "fault", "api.anthropic.com", ""),
        ("https://gateway.example/claude/v1/v1/", "fault", "gateway.example", "/claude"),
        ("https://gateway.example/v1/chat/completions", "fault", "gateway.example", ""),
        (" 'https://api.anthropic.com'\n", "fault", "api.anthropic.com", ""),
        ("https://claude.ai", "fault", "claude.ai", ""),
        ("https://user:secret@gateway.example", "fault", None, ""),
        ("https://gateway.example?key=1", "fault", None, ""),
        ("http://gateway.example", "fault", None, ""),
        ("gateway.example", "fault", None, ""),
        ("", "fault", None, ""),
    ],
)
def test_base_urls(text: str, result: str, host: str | None, path: str) -> None:
    judged = base_url(text, "ANTHROPIC_BASE_URL")
    assert judged.check.result == result
    assert "secret" not in judged.check.finding
    found = (judged.endpoint.host, judged.endpoint.base_path) if judged.endpoint is not None else (None, "")
    assert found == (host, path)


FOUND = NameFacts("api.anthropic.com", ipv4=["160.79.104.10"], search=("a.svc", "svc"), ndots=5)


@pytest.mark.parametrize(
    ("facts", "result", "says"),
    [
        (FOUND, "ok", "ndots:5 makes apps ask for 2 other names first"),
        (replace(FOUND, ndots=1), "ok", "has 1 IPv4 address."),
        (replace(FOUND, ipv6=["2607:6bc0::10"], ndots=1), "ok", "1 IPv4 address and 1 IPv6 address."),
        (replace(FOUND, by_search_only=True), "ok", "search list only"),
        (replace(FOUND, ipv4=["0.0.0.0"]), "fault", "into the void"),
        (replace(FOUND, ipv4=["127.0.0.1"]), "fault", "into the void"),
        (replace(FOUND, host="gateway.lan", ipv4=["127.0.0.1"]), "ok", "gateway.lan has 1 IPv4"),
        (replace(FOUND, ipv4=[], reason="no such name"), "fault", "does not resolve: no such name"),
        (replace(FOUND, ipv4=[], silent=True), "fault", "no name server answers"),
    ],
)
def test_names(facts: NameFacts, result: str, says: str) -> None:
    check = names_check("there", facts, of_proxy=False)
    assert (check.result, says in check.finding) == (result, True), check


def test_a_family_that_does_not_connect_is_told_without_an_alarm() -> None:
    families = [FamilyFacts("IPv4", "192.0.2.1"), FamilyFacts("IPv6", "2001:db8::1", "nothing within 3 s")]
    check = connect_check("there", families, DialFacts())
    assert check.result is Result.OK
    assert "IPv4 connects; IPv6 at 2001:db8::1 does not" in check.finding


def test_a_certificate_is_read_without_being_trusted() -> None:
    made = trustme.CA(organization_name="Example Proxies", organization_unit_name="Inspection")
    pem = made.issue_cert("api.anthropic.com", common_name="api.anthropic.com").cert_chain_pems[0].bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    read = read_certificate(der)
    assert read is not None
    assert (read.subject, read.issuer) == ("api.anthropic.com", "Example Proxies")
    told = DialFacts("tls", "TLS with api.anthropic.com failed: self-signed certificate", read)
    assert "Example Proxies does" in tls_check("there", told, read.not_before_s + 1).finding
    late = tls_check("there", told, read.not_after_s + 1)
    assert "has ended" in late.finding
    early = tls_check("there", told, read.not_before_s - 1)
    assert "not valid yet" in early.finding
    assert all(read_certificate(der[:size]) is None for size in range(0, len(der), 7))


@pytest.mark.parametrize(
    ("date", "result"),
    [
        (b"Mon, 30 Nov 2026 12:00:00 GMT", "ok"),
        (b"Mon, 30 Nov 2026 12:00:59 GMT", "ok"),
        (b"Mon, 30 Nov 2026 12:05:00 GMT", "fault"),
        (b"Mon, 30 Nov 2026 11:00:00 GMT", "fault"),
        (b"yesterday", "skipped"),
    ],
)
def test_clocks_are_compared_to_the_minute(date: bytes, result: str) -> None:
    now_s = 1_796_040_000.0
    assert clock_check("there", (Exchange(200, ((b"date", date),)),), now_s).result == result
    cached = Exchange(200, ((b"date", date), (b"age", b"5")))
    assert clock_check("there", (cached,), now_s).result is Result.SKIPPED


@pytest.mark.parametrize(
    ("listed", "served", "wanted", "chosen"),
    [
        ((), None, None, HAIKU),
        ((), None, HAIKU, "claude-fable-5-2"),
        ((OPUS, "claude-haiku-4-5-20251001"), None, OPUS, "claude-haiku-4-5-20251001"),
        (("claude-haiku-4-5-20251001", OPUS), None, HAIKU, OPUS),
        ((OPUS,), None, OPUS, None),
        ((), {OPUS: "our-opus", HAIKU: "our-haiku"}, OPUS, HAIKU),
        ((HAIKU,), {OPUS: "our-opus"}, OPUS, None),
    ],
)
def test_the_known_good_model_is_another_than_the_wanted_one(
    listed: tuple[str, ...], served: dict[str, str] | None, wanted: str | None, chosen: str | None
) -> None:
    assert known_good(listed, served, wanted) == chosen


def test_an_open_breaker_is_a_fault_of_its_route() -> None:
    routes = [{"name": "a", "breaker": "open", "trouble": "route"}, {"name": "b", "breaker": "closed"}]
    results = [(check.target, check.result) for check in route_checks(routes, None, "")]
    assert results == [("a", Result.FAULT), ("b", Result.OK)]


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (["ok", "skipped"], Verdict.HEALTHY),
        (["ok", "unknown"], Verdict.UNKNOWN),
        (["ok", "unknown", "fault"], Verdict.FAULT),
        (["skipped"], Verdict.UNKNOWN),
        ([], Verdict.UNKNOWN),
    ],
)
def test_one_fault_decides_and_nothing_looked_at_is_not_healthy(results: list[str], verdict: Verdict) -> None:
    assert verdict_of(Check(CheckId.KEY, "", Result(result), "") for result in results) is verdict
