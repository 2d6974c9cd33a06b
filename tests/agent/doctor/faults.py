"""Seeded faults: what is put on the stage, and the check that has to name it with a word of its finding."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from support.fakes.bad_proxy import answer
from support.fakes.scripted_resolver import FAILS, Silent
from tests.agent.doctor.conftest import API, GATEWAY, KEY, Setting, Stage

PAGE = b"<html><title>Sign in</title></html>"
HAIKU = "claude-haiku-4-5-20251001"
OPUS = "claude-opus-4-8"


class Fault(NamedTuple):
    """check: the id of the one that finds it; says: a part of its finding or fix."""

    name: str
    setting: Setting
    check: str
    says: str


def key(text: str, variable: str = "ANTHROPIC_API_KEY") -> Setting:
    """A key as somebody has set it, before a healthy API."""

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.simulator())
        stage.environ = {"ANTHROPIC_BASE_URL": stage.environ["ANTHROPIC_BASE_URL"], variable: text}

    return put


def environ(**variables: str) -> Setting:
    """More variables beside a good key and a healthy API."""

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.simulator())
        stage.environ |= variables

    return put


def api(model: str | None = None, **scenario: Any) -> Setting:
    """An API that does as the scenario says; model: the wanted one."""

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.simulator(**scenario))
        stage.asked["model"] = model

    return put


def rules(*given: dict[str, Any], model: str | None = None) -> Setting:
    """An API with scripted faults."""
    return api(model, rules=list(given))


def account(model: str | None = None, **fields: Any) -> Setting:
    """An API that knows our key as these fields say."""
    return api(model, keys=[{"name": "ours", "key": KEY, **fields}])


def proxy(**bad: Any) -> Setting:
    """A bad reverse proxy before a healthy API."""

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.proxy(await stage.simulator(), **bad))

    return put


def url(path: str = "", **kinds: str) -> Setting:
    """A base URL that is written wrongly, before a healthy API."""

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.simulator(), path, **kinds)

    return put


def text_url(text: str) -> Setting:
    async def put(stage: Stage) -> None:
        stage.environ["ANTHROPIC_BASE_URL"] = text

    return put


def named(says: Any, host: str = GATEWAY) -> Setting:
    """A host of which name servers say so."""

    async def put(stage: Stage) -> None:
        stage.resolver.records[host] = says
        stage.resolver.search[host] = says
        stage.base_url(443, host=host, scheme="https")

    return put


def tls(host: str = GATEWAY, **more: Any) -> Setting:
    """A gateway with a certificate for a host."""

    async def put(stage: Stage) -> None:
        stage.resolver.records[GATEWAY] = ["127.0.0.1"]
        port = await stage.proxy(await stage.simulator(), tls=stage.certificate(host, **more))
        stage.base_url(port, host=GATEWAY, scheme="https")

    return put


def egress(**bad: Any) -> Setting:
    """An egress proxy that does not do."""

    async def put(stage: Stage) -> None:
        await stage.egress(1, **bad)

    return put


async def nobody_listens(stage: Stage) -> None:
    stage.base_url(1)


async def plain_port_as_tls(stage: Stage) -> None:
    stage.base_url(await stage.simulator(), scheme="https")


def clock(behind_s: float) -> Setting:
    def wall() -> float:
        return datetime.now(UTC).timestamp() + behind_s

    async def put(stage: Stage) -> None:
        stage.base_url(await stage.simulator(wall=wall))

    return put


async def unexpanded(stage: Stage) -> None:
    await stage.official(await stage.simulator())
    stage.environ["ANTHROPIC_API_KEY"] = "${ANTHROPIC_API_KEY}"


async def other_providers_key(stage: Stage) -> None:
    await stage.official(await stage.simulator())
    stage.environ["ANTHROPIC_API_KEY"] = "xai-Qm7ZxV2kPwR9tYbN4sLcJ8dF"


async def key_as_bearer(stage: Stage) -> None:
    await stage.official(await stage.simulator())
    stage.environ["ANTHROPIC_AUTH_TOKEN"] = stage.environ.pop("ANTHROPIC_API_KEY")


async def no_such_file(stage: Stage) -> None:
    stage.asked["key_file"] = str(stage.folder / "none")
    await api()(stage)


def policy(*routes: dict[str, Any], model: str | None = None, **spec: Any) -> Setting:
    """A policy whose routes lead to a healthy API."""

    async def put(stage: Stage) -> None:
        port = await stage.simulator()
        made = [{"endpoint": f"http://127.0.0.1:{port}"} | route for route in routes]
        stage.asked |= {"policy": stage.policy(*made, **spec), "model": model}

    return put


async def sidecar_is_a_site(stage: Stage) -> None:
    stage.asked["sidecar"] = f"http://127.0.0.1:{await stage.simulator()}"


async def sidecar_is_its_data_port(stage: Stage) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    sidecar = await stage.sidecar(stage.policy(route))
    stage.asked["sidecar"] = f"http://127.0.0.1:{sidecar.port}"


async def sidecar_is_not_there(stage: Stage) -> None:
    stage.asked["sidecar"] = "http://127.0.0.1:1"


async def sidecar_lacks_a_credential(stage: Stage) -> None:
    endpoint = f"http://127.0.0.1:{await stage.simulator()}"
    own = {"name": "own", "endpoint": endpoint, "credential": {"secretKeyRef": {"key": "second-org"}}}
    await stage.sidecar(stage.policy({"name": "first", "endpoint": endpoint}, own))


async def sidecar_does_not_serve_the_model(stage: Stage) -> None:
    endpoint = f"http://127.0.0.1:{await stage.simulator()}"
    await stage.sidecar(stage.policy({"name": "first", "endpoint": endpoint, "models": [{"name": HAIKU}]}))
    stage.asked["model"] = OPUS


async def sidecar_before_an_overload(stage: Stage) -> None:
    port = await stage.simulator(rules=[{"match": CALLS, "status": 529}])
    await stage.sidecar(stage.policy({"name": "first", "endpoint": f"http://127.0.0.1:{port}"}))


async def sidecar_refused_an_edit(stage: Stage) -> None:
    file = stage.policy({"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"})
    sidecar = await stage.sidecar(file)
    file.write_text("spec: {routes: []}")
    sidecar.reload()


async def gateway_before_a_sidecar_puts_its_own_key(stage: Stage) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    sidecar = await stage.sidecar(stage.policy(route))
    replaced = {b"x-api-key": b"sk-ant-api03-another"}
    stage.asked["base_url"] = f"http://127.0.0.1:{await stage.proxy(sidecar.port, replaces=replaced)}"


async def gateway_before_a_sidecar_strips_the_key(stage: Stage) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    sidecar = await stage.sidecar(stage.policy(route))
    stage.base_url(await stage.proxy(sidecar.port, strips=frozenset({b"x-api-key"})))
    del stage.asked["sidecar"], stage.asked["base_url"]


def swapped(model: str) -> Setting:
    return rules({"match": {"model": OPUS}, "answer_model": model}, model=OPUS)


ALL = {"path": "/v1/*"}
CALLS = {"path": "/v1/messages"}
OF_OPUS = {"path": "/v1/messages", "model": OPUS}

FAULTS = [
    Fault("key in quotes", key(f'"{KEY}"'), "key", "has quotes in it"),
    Fault("key with a line end", key(f"{KEY}\n"), "key", "spaces or a line end around it"),
    Fault("key with a zero-width character", key(f"{KEY}\u200b"), "key", "zero-width"),
    Fault("key with a space inside", key(f"{KEY[:20]} {KEY[20:]}"), "key", "a space or tab inside"),
    Fault("key over two lines", key(f"{KEY[:20]}\n{KEY[20:]}"), "key", "line break"),
    Fault("masked key", key(f"{KEY[:14]}********"), "key", "masked or cut"),
    Fault("Bearer in the API key", key(f"Bearer {KEY}"), "key", "the word Bearer"),
    Fault("doubled Bearer", key(f"Bearer {KEY}", "ANTHROPIC_AUTH_TOKEN"), "key", "Bearer is doubled"),
    Fault("API key as bearer", key_as_bearer, "key", "belongs in x-api-key"),
    Fault("OAuth token as API key", key(KEY.replace("api03", "oat01")), "key", "An OAuth token came as API"),
    Fault("admin key", key(KEY.replace("api03", "admin01")), "key", "admin key"),
    Fault("both variables", environ(ANTHROPIC_AUTH_TOKEN=KEY), "key", "Both x-api-key and authorization"),
    Fault("key in another header", key(f"api-key: {KEY}", "ANTHROPIC_CUSTOM_HEADERS"),
          "key", "but api-key did"),
    Fault("no key", key(""), "key", "none is given"),
    Fault("placeholder without a sidecar", key("provided-by-claude-sidecar"), "known-good-call",
          "placeholder"),
    Fault("unexpanded variable", unexpanded, "key", "does not begin with sk-ant-"),
    Fault("another provider's key", other_providers_key, "key", "does not begin with sk-ant-"),
    Fault("key file that is not there", no_such_file, "key", "is not there"),
    Fault("revoked key", account(state="revoked"), "known-good-call", "revoked"),
    Fault("name with dots", api("claude-opus-4.7"), "wanted-model", "hyphens, not dots"),
    Fault("name one character off", api("claude-opus-4-77"), "wanted-model", "one character off"),
    Fault("name with a wrong date", api("claude-haiku-4-5-20251002"), "wanted-model", "date is wrong"),
    Fault("model of another workspace", account(OPUS, models=[HAIKU]),
          "wanted-model", "of another workspace"),
    Fault("workspace lacks the model", account(OPUS, models=[HAIKU], missing_model_status=403),
          "wanted-model", "lacks claude-opus-4-8"),
    Fault("workspace restricted", rules({"match": CALLS, "status": 403}, model=OPUS), "known-good-call",
          "the workspace or key is restricted"),
    Fault("API access disabled", rules({"match": CALLS, "status": 403, "message": "API access is disabled"}),
          "known-good-call", "API access is disabled"),
    Fault("model swapped by a gateway", swapped("claude-haiku-4-5"), "wanted-model", "swaps models"),
    Fault("rate limit", rules({"match": CALLS, "status": 429}), "known-good-call", "a limit is reached"),
    Fault("spend limit", rules({"match": CALLS, "status": 429, "error_code": "enforced_spend_limit_reached"}),
          "known-good-call", "spend limit is reached"),
    Fault("no credit", rules({"match": CALLS, "status": 402}), "known-good-call", "can't pay"),
    Fault("provider overloaded", rules({"match": CALLS, "status": 529}), "known-good-call", "overloaded"),
    Fault("one model fails", rules({"match": OF_OPUS, "status": 500}, model=OPUS), "wanted-model",
          "only claude-opus-4-8 fails"),
    Fault("connection is reset", rules({"match": ALL, "reset": True}), "known-good-call", "no answer came"),
    Fault("no HTTP is spoken", rules({"match": ALL, "garbage": True}), "known-good-call", "no answer came"),
    Fault("firewall refuses the body", rules({"match": CALLS, "status": 403, "html": True}),
          "known-good-call", "firewall"),
    Fault("load balancer without upstream", rules({"match": ALL, "status": 502, "html": True}),
          "known-good-call", "load balancer"),
    Fault("gateway wants its own credential", proxy(answers={b"/v1": answer("401 Unauthorized", b"no")}),
          "known-good-call", "not the Claude API's"),
    Fault("login page", proxy(answers={b"/v1": answer("200 OK", PAGE, b"content-type: text/html")}),
          "known-good-call", "a web page"),
    Fault("redirect", proxy(answers={b"/v1": answer("302 Found", b"", b"location: https://sso.example")}),
          "known-good-call", "redirected (302)"),
    Fault("stripped key", proxy(strips=frozenset({b"x-api-key"})), "stripped-header", "x-api-key went out"),
    Fault("stripped version", proxy(strips=frozenset({b"anthropic-version"})), "stripped-header",
          "anthropic-version went out"),
    Fault("stripped key before a sidecar", gateway_before_a_sidecar_strips_the_key, "stripped-header",
          "x-api-key went out"),
    Fault("replaced key", gateway_before_a_sidecar_puts_its_own_key,
          "stripped-header", "another key arrived"),
    Fault("base URL with /v1", url("/v1"), "base-url", "must not end in /v1"),
    Fault("base URL of an endpoint", url("/v1/messages"), "base-url", "must not end in /v1"),
    Fault("base URL of another server", url("/claude"), "known-good-call", "path"),
    Fault("base URL in quotes", text_url('"https://api.anthropic.com"'), "base-url", "quotes"),
    Fault("base URL without a scheme", text_url("api.anthropic.com"), "base-url", "must start with https://"),
    Fault("base URL in clear text", text_url("http://api.anthropic.com"), "base-url", "clear text"),
    Fault("base URL of the Console", text_url("https://console.anthropic.com"),
          "base-url", "site for people"),
    Fault("key as base URL", text_url(KEY), "base-url", "must start with https://"),
    Fault("name that does not exist", named([]), "dns", "does not resolve"),
    Fault("name server that fails", named(FAILS), "dns", "no name server answers"),
    Fault("name server that is silent", named(Silent()), "dns", "no name server answers"),
    Fault("name led into the void", named(["0.0.0.0"]), "dns", "into the void"),
    Fault("API's name led home", named(["127.0.0.1"], API), "dns", "into the void"),
    Fault("nobody listens", nobody_listens, "connect", "Connection refused"),
    Fault("egress proxy refuses", egress(refusal=b"HTTP/1.1 403 Forbidden\r\n\r\n"),
          "connect", "refused CONNECT"),
    Fault("egress proxy wants a password", egress(refusal=b"HTTP/1.1 407 P\r\n\r\n"),
          "connect", "answered 407"),
    Fault("proxy URL that can't be used", environ(HTTPS_PROXY="socks5://a:1"),
          "proxy-variables", "HTTPS_PROXY=`socks5"),
    Fault("proxy catches loopback", environ(HTTP_PROXY="http://proxy:3128"),
          "proxy-variables", "NO_PROXY does not"),
    Fault("CA file that is not there", environ(SSL_CERT_FILE="/none.pem"), "proxy-variables", "is not there"),
    Fault("unknown CA", tls(trusted=False), "tls", "TLS is intercepted"),
    Fault("certificate has ended", tls(not_after=datetime(2020, 1, 2, tzinfo=UTC)), "tls", "has ended"),
    Fault("certificate of another host", tls("other.example.com"), "tls", "another host answers"),
    Fault("http port as https", plain_port_as_tls, "tls", "speaks no TLS"),
    Fault("clock ahead", clock(-3600), "clock", "ahead of"),
    Fault("clock behind", clock(300), "clock", "behind"),
    Fault("policy with a wrong field", policy({"name": "a"}, retry={"maxAttempts": 12}),
          "policy", "maxAttempts"),
    Fault("route's credential is missing", policy({"name": "a", "credential": {"env": "NONE"}}),
          "key", "NONE is not set"),
    Fault("no route serves the model", policy({"name": "a", "models": [{"name": HAIKU}]}, model=OPUS),
          "route", "no route serves"),
    Fault("sidecar: another server", sidecar_is_a_site, "base-url", "no sidecar of ours"),
    Fault("sidecar: its data port", sidecar_is_its_data_port, "base-url", "data port"),
    Fault("sidecar: not there", sidecar_is_not_there, "connect", "no sidecar answers"),
    Fault("sidecar: a credential is missing", sidecar_lacks_a_credential, "route", "credential is missing"),
    Fault("sidecar: no route serves the model", sidecar_does_not_serve_the_model, "route", "no route serves"),
    Fault("sidecar: provider overloaded", sidecar_before_an_overload, "known-good-call", "overloaded"),
    Fault("sidecar: refused an edit", sidecar_refused_an_edit, "policy", "an edit was refused"),
]  # fmt: skip
