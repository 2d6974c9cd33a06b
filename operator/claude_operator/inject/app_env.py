"""Variables of an app's container that lead its calls to the sidecar."""

from typing import Any

from claude_operator import names
from claude_operator.inject.json_value import Object

BASE_URL = "ANTHROPIC_BASE_URL"
API_KEY = "ANTHROPIC_API_KEY"
_CREDENTIALS = (API_KEY, "ANTHROPIC_AUTH_TOKEN")
SIDECAR_URL = f"http://127.0.0.1:{names.PORT}"
_SAME_URL = {SIDECAR_URL, f"http://localhost:{names.PORT}"}
_LOOPBACK = "127.0.0.1"
_PROXIES = {"http_proxy", "https_proxy", "all_proxy"}
_NO_PROXY = ("NO_PROXY", "no_proxy")


def lead_to_sidecar(container: Object, *, with_placeholder: bool) -> list[str]:
    """Set what is missing, in place; returns what to tell.

    with_placeholder: whether the container needs no key of its own. What is set already is never changed, but
    for a list of hosts that go without a proxy, which gets one more.
    """
    env: list[Object] = [dict(entry) for entry in container.get("env") or ()]
    name = container.get("name")
    warnings = []
    there = _entry(env, BASE_URL)
    if there is None:
        env.append({"name": BASE_URL, "value": SIDECAR_URL})
        if container.get("envFrom"):
            warnings.append(
                f"container {name} has envFrom, which cannot be seen here: {BASE_URL} in there is overridden"
                ", and a proxy in there needs 127.0.0.1 in NO_PROXY"
            )
    elif str(there.get("value", "")).rstrip("/") not in _SAME_URL:
        return [f"container {name} sets {BASE_URL} itself; it is kept, and its calls bypass the sidecar"]
    if with_placeholder and not any(_entry(env, key) for key in _CREDENTIALS):
        warnings += _placeholder(container, env)
    warnings += _go_without_proxy(env, name)
    container["env"] = env
    return warnings


def _placeholder(container: Object, env: list[Object]) -> list[str]:
    if container.get("envFrom"):  # a variable set here would win over a real key in there
        remedy = f"if it has none, set {API_KEY}={names.PLACEHOLDER_KEY}"
        return [f"container {container.get('name')} may have its key in envFrom; {remedy}"]
    env.append({"name": API_KEY, "value": names.PLACEHOLDER_KEY})
    return []


def _go_without_proxy(env: list[Object], container: Any) -> list[str]:
    """Keep calls to the sidecar from going to a proxy.

    Only where there is no such list at all are both spellings made: libraries read one of them, and a new one
    would hide an old one.
    """
    lists = [entry for entry in env if entry.get("name") in _NO_PROXY]
    if not lists and any(str(entry.get("name", "")).lower() in _PROXIES for entry in env):
        env.extend({"name": name, "value": _LOOPBACK} for name in _NO_PROXY)
    warnings = []
    for entry in lists:
        if "valueFrom" in entry:
            warnings.append(
                f"container {container} takes {entry['name']} from elsewhere; have {_LOOPBACK} in it"
            )
        else:
            entry["value"] = _with_loopback(str(entry.get("value") or ""))
    return warnings


def _with_loopback(hosts: str) -> str:
    entries = [host.strip() for host in hosts.split(",")]
    if _LOOPBACK in entries or entries == ["*"]:
        return hosts
    return f"{hosts},{_LOOPBACK}" if hosts.strip() else _LOOPBACK


def _entry(env: list[Object], name: str) -> Object | None:
    """The entry that counts: of several with one name the last wins."""
    return next((entry for entry in reversed(env) if entry.get("name") == name), None)
