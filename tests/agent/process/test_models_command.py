"""`claude-sidecar models` against a sidecar that runs, as people run it."""

import json
import subprocess
import urllib.request
from collections.abc import Callable

from tests.agent.process.conftest import PROGRAM, Whole

POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: production}}
spec:
  routes:
    - {{name: first, endpoint: "{upstream}"}}
    - {{name: second, endpoint: "{upstream}", models: [{{name: claude-sonnet-4-6, id: our-sonnet}}]}}
"""


def models(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = subprocess.run(
        [PROGRAM, "models", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def listed_by(url: str) -> bytes:
    """What an app gets that asks for the models."""
    headers = {"x-api-key": "sk-ant-api03-app", "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(f"{url}/v1/models?limit=1000", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def test_it_tells_what_the_routes_of_a_running_sidecar_listed(start_whole: Callable[..., Whole]) -> None:
    whole = start_whole("{}\n", POLICY, {})
    code, out, err = models("--sidecar", whole.admin)
    assert (code, err) == (0, "")
    assert out.endswith(
        "any name goes to first; no list of its models (GET /v1/models) came through this sidecar yet\n"
    )

    body = listed_by(whole.sidecar)
    assert body == listed_by(whole.upstream)
    names = {each["id"] for each in json.loads(body)["data"]}
    code, out, err = models("--sidecar", whole.admin, "--json")
    told = {each["model"]: each["routes"] for each in json.loads(out)}
    assert (code, err) == (0, "")
    assert set(told) == names | {"*"}
    assert told["claude-sonnet-4-6"] == [
        {"route": "first", "id": "claude-sonnet-4-6", "source": "models-api"},
        {"route": "second", "id": "our-sonnet", "source": "policy"},
    ]

    for elsewhere, says in ((whole.sidecar, "data port"), (whole.upstream, "no sidecar of ours")):
        code, out, err = models("--sidecar", elsewhere)
        assert (code, out, says in err) == (1, "", True)
