"""Healthy variations: what is put on the stage, of which no check may complain."""

from typing import NamedTuple

from support.fakes.bad_proxy import answer
from support.fakes.dead_address import dead_address
from tests.agent.doctor.conftest import GATEWAY, KEY, Setting, Stage
from tests.agent.doctor.faults import HAIKU, OPUS, api, clock, environ, key, policy, proxy, tls, url


class Healthy(NamedTuple):
    name: str
    setting: Setting


async def official_by_an_egress_proxy(stage: Stage) -> None:
    await stage.official(await stage.simulator())


async def gateway_with_keys_of_its_own(stage: Stage) -> None:
    """It puts the real key in the place of the one that it gives out."""
    replaced = {b"x-api-key": KEY.encode()}
    stage.base_url(await stage.proxy(await stage.simulator(unknown_keys="accept"), replaces=replaced))
    stage.environ["ANTHROPIC_API_KEY"] = "team-blue-Vb8nXs2WqT"


async def key_by_standard_input(stage: Stage) -> None:
    stage.base_url(await stage.simulator())
    stage.environ.pop("ANTHROPIC_API_KEY")
    stage.asked["key_file"], stage.stdin = "-", f"{KEY}\n".encode()


async def key_by_file(stage: Stage) -> None:
    stage.base_url(await stage.simulator())
    stage.environ["ANTHROPIC_API_KEY"] = "what is not looked at"
    stage.asked["key_file"] = str(stage.file("key", f"{KEY}\r\n"))


async def key_by_another_variable(stage: Stage) -> None:
    stage.base_url(await stage.simulator())
    stage.environ["OUR_KEY"] = KEY
    stage.asked["key_env"] = "OUR_KEY"


async def dead_ipv6(stage: Stage) -> None:
    """Here a second IPv4 family stands for it: no machine of a test need have IPv6."""
    port = await stage.simulator()
    stage.stack.enter_context(dead_address("127.0.0.2", port))
    stage.resolver.records[GATEWAY + ".internal"] = ["127.0.0.1", "127.0.0.2"]
    stage.base_url(port, host=GATEWAY + ".internal")


async def name_by_the_search_list(stage: Stage) -> None:
    stage.resolver.search["gateway.shop.svc"] = ["127.0.0.1"]
    stage.resolv_conf = "search shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n"
    stage.base_url(await stage.simulator(), host="gateway.shop.svc")


async def ndots_of_a_pod(stage: Stage) -> None:
    await official_by_an_egress_proxy(stage)
    stage.resolv_conf = "search a.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"


async def name_in_the_hosts_file(stage: Stage) -> None:
    stage.resolver.hosts["simulator.local"] = ["127.0.0.1"]
    stage.base_url(await stage.simulator(), host="simulator.local")


async def policy_with_a_key_of_its_own(stage: Stage) -> None:
    stage.file("second", f"{KEY}\n")
    stage.environ.pop("ANTHROPIC_API_KEY")
    await policy({"name": "second", "credential": {"file": "second"}})(stage)


async def policy_that_renames(stage: Stage) -> None:
    models = [{"name": "claude-opus-4-8", "id": "our-opus"}, {"name": "claude-sonnet-4-6"}]
    port = await stage.simulator(models=["our-opus"])
    route = {"name": "ours", "endpoint": f"http://127.0.0.1:{port}", "models": models}
    stage.asked |= {"policy": stage.policy(route), "model": OPUS}


async def running_sidecar(stage: Stage) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    await stage.sidecar(stage.policy(route))


async def running_sidecar_and_a_model(stage: Stage) -> None:
    await running_sidecar(stage)
    stage.asked["model"] = OPUS


async def running_sidecar_that_serves_one_model(stage: Stage) -> None:
    models = [{"name": "claude-sonnet-4-6"}]
    endpoint = f"http://127.0.0.1:{await stage.simulator()}"
    await stage.sidecar(stage.policy({"name": "first", "endpoint": endpoint, "models": models}))


async def running_sidecar_whose_routes_have_keys(stage: Stage) -> None:
    stage.environ.pop("ANTHROPIC_API_KEY")
    endpoint = f"http://127.0.0.1:{await stage.simulator()}"
    route = {"name": "first", "endpoint": endpoint, "credential": {"env": "OWN"}}
    await stage.sidecar(stage.policy(route), {"OWN": KEY})


async def app_whose_key_is_the_placeholder(stage: Stage) -> None:
    await running_sidecar_whose_routes_have_keys(stage)
    stage.environ["ANTHROPIC_API_KEY"] = "provided-by-claude-sidecar"


async def inside_an_injected_container(stage: Stage) -> None:
    """Its policy's Secrets are there, the app's key is not needed."""
    secrets = stage.folder / "secrets" / "claude-keys"
    secrets.mkdir(parents=True)
    (secrets / "second-org").write_text(KEY)
    environ = {"CLAUDE_SIDECAR_INJECTED": "true", "CLAUDE_SIDECAR_SECRETS_DIR": str(secrets.parent)}
    endpoint = f"http://127.0.0.1:{await stage.simulator()}"
    route = {"name": "own", "endpoint": endpoint, "credential": {"secretKeyRef": {"key": "second-org"}}}
    await stage.sidecar(stage.policy(route), environ)
    stage.environ = environ


async def app_before_a_sidecar_with_the_placeholder(stage: Stage) -> None:
    await running_sidecar_whose_routes_have_keys(stage)
    del stage.asked["sidecar"]
    stage.environ["ANTHROPIC_API_KEY"] = "provided-by-claude-sidecar"


async def app_before_a_sidecar_with_its_own_key(stage: Stage) -> None:
    await running_sidecar(stage)
    del stage.asked["sidecar"]


def refuses_models(status: int) -> Setting:
    return api(rules=[{"match": {"path": "/v1/models"}, "status": status}])


NO_DATE = {"match": {}, "headers": [["Date", "yesterday"]]}
CACHED = {"match": {}, "headers": [["Date", "Mon, 01 Jan 2024 00:00:00 GMT"], ["Age", "9"]]}

HEALTHY = [
    Healthy("key in its variable", key(KEY)),
    Healthy("key by standard input", key_by_standard_input),
    Healthy("key by file", key_by_file),
    Healthy("key by another variable", key_by_another_variable),
    Healthy("OAuth token", key(KEY.replace("api03", "oat01"), "ANTHROPIC_AUTH_TOKEN")),
    Healthy("gateway with keys of its own", gateway_with_keys_of_its_own),
    Healthy("gateway's key as bearer", key(KEY, "ANTHROPIC_AUTH_TOKEN")),
    Healthy("wanted model", api(OPUS)),
    Healthy("wanted model without its date", api("claude-haiku-4-5")),
    Healthy("wanted model is the cheapest", api(HAIKU)),
    Healthy("key that has one model", api(HAIKU, keys=[{"name": "a", "key": KEY, "models": [HAIKU]}])),
    Healthy("gateway without a list of models", refuses_models(404)),
    Healthy("key that may not list models", refuses_models(403)),
    Healthy("list of models in another form",
            proxy(answers={b"/v1/models": answer("200 OK", b'{"data":{}}')})),
    Healthy("coded answers", api(gzip=["json", "error"])),
    Healthy("no usable Date", api(rules=[NO_DATE])),
    Healthy("answers out of a cache", api(rules=[CACHED])),
    Healthy("a clock half a minute apart", clock(30)),
    Healthy("answers that take seconds", api(OPUS, timing={"first_token": 5})),
    Healthy("a key with small limits", api(OPUS, limits={"rpm": 5, "itpm": 1000, "otpm": 100})),
    Healthy("headers that the app adds", environ(ANTHROPIC_CUSTOM_HEADERS="x-team: blue")),
    Healthy("base URL with a slash", url("/")),
    Healthy("TLS by a private CA", tls()),
    Healthy("the API by an egress proxy", official_by_an_egress_proxy),
    Healthy("a pod's ndots", ndots_of_a_pod),
    Healthy("a name by the search list", name_by_the_search_list),
    Healthy("a name in the hosts file", name_in_the_hosts_file),
    Healthy("one address is dead", dead_ipv6),
    Healthy("proxy that leaves loopback out",
            environ(HTTP_PROXY="http://p:3128", NO_PROXY="localhost,127.0.0.1")),
    Healthy("ranges in NO_PROXY", environ(NO_PROXY="10.0.0.0/8,127.0.0.1")),
    Healthy("policy with the caller's key", policy({"name": "first"})),
    Healthy("policy with a key of its own", policy_with_a_key_of_its_own),
    Healthy("policy of eight routes", policy(*({"name": f"route-{number}"} for number in range(8)))),
    Healthy("policy that renames", policy_that_renames),
    Healthy("policy of which one route serves", policy(
        {"name": "first", "models": [{"name": HAIKU}]}, {"name": "second"}, model=OPUS)),
    Healthy("running sidecar", running_sidecar),
    Healthy("running sidecar and a wanted model", running_sidecar_and_a_model),
    Healthy("running sidecar that serves one model", running_sidecar_that_serves_one_model),
    Healthy("running sidecar whose routes have keys", running_sidecar_whose_routes_have_keys),
    Healthy("app with its own key and no word of a sidecar", app_before_a_sidecar_with_its_own_key),
    Healthy("app with the placeholder", app_whose_key_is_the_placeholder),
    Healthy("app with the placeholder and no word of a sidecar", app_before_a_sidecar_with_the_placeholder),
    Healthy("inside an injected container", inside_an_injected_container),
]  # fmt: skip
