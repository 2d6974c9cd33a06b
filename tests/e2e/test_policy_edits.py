"""Policies and keys that change while pods run: in force within seconds, or refused with the old one kept."""

import pytest
from support.cluster.waiting import until
from support.release.app import POLICY, App
from support.release.shop import Shop
from support.release.upstream import KEYS

from claude_operator import names

pytestmark = pytest.mark.whole_cluster

OVERLOADED = {"match": {"key": "first"}, "status": 529}
ONLY_JUDGED = {"routes": [{"name": "a", "endpoint": "http://[0:1]"}]}
"""The API server admits it; only the operator's judging refuses it."""


def running(shop: Shop, **options: object) -> App:
    """The app with its sidecar, under `production`, which is in force."""
    app = shop.app(**options)
    app.deploy(**{POLICY: "production"})
    shop.policies.wait_for("Programmed", "True/Programmed")
    return app


def hash_in_force(app: App) -> str:
    return str(app.sidecar_status()["hash"])


def test_edit_is_in_force_within_seconds(shop: Shop) -> None:
    app = running(shop)
    shop.upstream.play(OVERLOADED)
    assert app.ask()["headers"]["x-claude-sidecar-attempts"] == "2"
    before = hash_in_force(app)
    shop.policies.apply(**shop.two_routes(retry={"maxAttempts": 1}))
    until(lambda: hash_in_force(app) != before, "the edit is in force", seconds=30)
    # Without the nudge the kubelet would have come to it some time as well.
    assert names.NUDGE in app.pod()["metadata"]["annotations"]
    said = app.ask()
    assert (said["ok"], said["status"], said["headers"]["x-claude-sidecar-attempts"]) == (False, 529, "1")
    shop.policies.wait_for("Programmed", "True/Programmed")


def test_bad_edit_changes_nothing_and_shows(shop: Shop) -> None:
    app = running(shop)
    before = app.sidecar_status()
    shop.policies.apply(**ONLY_JUDGED)
    shop.policies.wait_for("Accepted", "False/Invalid")
    assert shop.policies.row()["ACCEPTED"] == "False"
    told = shop.policies.wait_for_event("ClaudePolicy", "production", "PolicyRefused")
    assert "does not appear to be an IPv4 or IPv6 address" in told
    assert app.sidecar_status()["hash"] == before["hash"]
    assert app.ask()["ok"]


def test_edit_that_the_schema_refuses_never_arrives(shop: Shop) -> None:
    app = running(shop)
    before = hash_in_force(app)
    said = shop.cluster.run_kubectl(
        "patch",
        "cpol",
        "production",
        "-n",
        shop.namespace,
        "--type=merge",
        "-p",
        '{"spec":{"retry":{"maxAttempts":99}}}',
    )
    assert said.returncode != 0
    assert "spec.retry.maxAttempts" in said.stderr
    assert hash_in_force(app) == before


def test_rotated_key_is_used_without_a_restart(shop: Shop) -> None:
    app = running(shop)
    shop.upstream.play(OVERLOADED)
    assert app.ask()["ok"]
    uid = app.pod()["metadata"]["uid"]
    new = "sk-ant-api03-rotated-0123456789"
    keys = [{"name": name, "key": key} for name, key in {**KEYS, "second": new}.items()]
    shop.upstream.play(OVERLOADED, keys=keys)
    assert not app.ask()["ok"]  # the old key is worth nothing any more
    shop.keep_keys({**KEYS, "second": new})
    # The kubelet looks at Secrets by itself about once a minute, and at once where a pod changes.
    pod = app.pod()["metadata"]["name"]
    shop.cluster.kubectl("annotate", "pod", pod, "example.com/look=now", "-n", shop.namespace)
    until(lambda: app.ask()["ok"], "the new key is used", seconds=120)
    assert app.pod()["metadata"]["uid"] == uid
    assert app.pod()["status"]["initContainerStatuses"][0]["restartCount"] == 0


def test_policy_that_names_a_new_secret_asks_for_a_restart_and_the_old_one_stays_in_force(shop: Shop) -> None:
    app = running(shop)
    before = hash_in_force(app)
    shop.keep_keys({"second": KEYS["second"]}, name="other-keys")
    shop.policies.apply(routes=[shop.route("second", secret="other-keys")])
    shop.policies.wait_for("Programmed", "False/RestartRequired")
    shop.policies.wait_for_event("ClaudePolicy", "production", "RestartRequired")
    status = app.sidecar_status()
    assert (status["hash"], status["restartRequired"]) == (before, True)
    said = app.ask()
    assert (said["ok"], said["headers"]["x-claude-sidecar-route"]) == (True, "first")
    app.restart()
    app.roll_out()
    shop.policies.wait_for("Programmed", "True/Programmed")
    assert app.ask()["headers"]["x-claude-sidecar-route"] == "second"


def test_host_that_is_not_allowed_is_refused_by_the_sidecar(shop: Shop) -> None:
    app = running(shop)
    before = hash_in_force(app)
    shop.policies.apply(routes=[{"name": "elsewhere", "endpoint": "https://keys.example.com"}])
    told = shop.policies.wait_for_event("ClaudePolicy", "production", "SidecarRefuses")
    assert "allowed hosts" in told
    status = app.sidecar_status()
    assert status["hash"] == before
    assert "host keys.example.com is not allowed here" in status["lastError"]
    assert app.ask()["ok"]
