"""The command `models`: what it prints of a policy, of a running sidecar, and of what is none."""

import json
import re
import shlex
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.documents import blocks
from support.project import ROOT

from claude_sidecar.cli.main import main

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\nmetadata: {name: p}\n"
LONG = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/" + "0" * 300
POLICY = f"""\
{HEAD}spec:
  routes:
    - {{name: open, endpoint: "https://open.example"}}
    - name: gateway
      endpoint: "https://gateway.example/claude"
      credential: {{env: NOT_SET_ANYWHERE}}
      models: [{{name: claude-opus-4-1}}, {{name: claude-sonnet-4-6, id: "{LONG}"}}]
  fallback: {{substitutions: [{{model: claude-opus-4-1, with: [claude-sonnet-4-6]}}]}}
"""
STATUS = {"policy": "p", "hash": "abc", "version": "1", "credentialsMissing": []}


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `claude-sidecar models ARGS`."""
    with pytest.raises(SystemExit) as ended:
        main(["models", *args])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return str(file)


@contextmanager
def serving(documents: Mapping[str, Any]) -> Iterator[str]:
    """A server of these JSON documents by path, as an admin port has them; 404 for all else."""

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents.get(self.path, "")).encode()
            self.send_response(200 if self.path in documents else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def policy_in_force(name: str, *routes: dict[str, Any]) -> dict[str, Any]:
    kind = {"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy"}
    return kind | {"metadata": {"name": name}, "spec": {"routes": list(routes)}}


def test_json_tells_each_model_with_its_routes_ids_and_sources(policy, capsys) -> None:
    code, out, err = run(capsys, "--policy", policy, "--json")
    assert (code, err) == (0, "")
    known = {"source": "policy"}
    ended = {"retiresOn": "2026-08-05", "successor": "claude-opus-4-8"}
    swapped = {"substitute": "claude-sonnet-4-6"}
    sonnet = [
        {"route": "open", "id": "claude-sonnet-4-6"} | known,
        {"route": "gateway", "id": LONG} | known,
    ]
    assert json.loads(out) == [
        {
            "model": "claude-opus-4-1",
            "routes": [
                {"route": "open", "id": "claude-opus-4-1"} | known | ended,
                {"route": "gateway", "id": "claude-opus-4-1"} | known | ended,
                *[way | swapped for way in sonnet],
            ],
        },
        {"model": "claude-sonnet-4-6", "routes": sonnet},
        {"model": "*", "routes": [{"route": "open", "id": "*"} | known]},
    ]


def test_the_table_has_a_line_a_way_in_columns_and_breaks_no_name(policy, capsys) -> None:
    code, out, _ = run(capsys, "--policy", policy)
    first, heading, _, *lines, last = out.splitlines()
    assert code == 0
    assert first.startswith("policy p (hash ")
    assert heading.split() == ["model", "route", "id", "known", "by", "note"]
    columns = [heading.index(word) for word in ("model", "route", "id", "known by", "note")]
    cells = [[line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)]
             for line in lines]  # fmt: skip
    ends, swap = "the Claude API ends it on 2026-08-05: use claude-opus-4-8", "in its place, where it fails: "
    assert cells == [
        ["claude-opus-4-1", "open", "claude-opus-4-1", "policy", ends],
        ["", "gateway", "claude-opus-4-1", "policy", ends],
        ["", "open", "claude-sonnet-4-6", "policy", swap + "claude-sonnet-4-6"],
        ["", "gateway", LONG, "policy", swap + "claude-sonnet-4-6"],
        ["claude-sonnet-4-6", "open", "claude-sonnet-4-6", "policy", ""],
        ["", "gateway", LONG, "policy", ""],
        ["any other", "open", "as asked", "policy", ""],
    ]
    assert last == (
        "any name goes to open; with --sidecar, the names that its last list of models had stand here"
    )


def test_the_documented_session_is_what_is_printed(capsys, monkeypatch) -> None:
    (session,) = blocks(ROOT / "docs" / "models.md", "console")
    line, *shown = session.splitlines()
    monkeypatch.chdir(ROOT)
    code, out, err = run(capsys, *shlex.split(line.removeprefix("$ claude-sidecar models ")))
    # A policy's hash changes with every field that policies come to have.
    hashes = re.compile(r"\(hash [0-9a-f]{16}\)")
    assert (code, err) == (0, "")
    assert hashes.sub("", out).splitlines() == hashes.sub("", "\n".join(shown)).splitlines()


def test_a_policy_with_a_fault_is_told_as_by_check(tmp_path, capsys) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(HEAD + "spec: {routes: [{name: a, modls: []}]}\n")
    code, out, err = run(capsys, "--policy", str(bad))
    assert (code, out) == (1, "")
    assert f"{bad}:4: spec.routes[0].modls" in err


def test_a_running_sidecar_tells_its_policy_and_what_its_routes_listed(capsys) -> None:
    route = {"name": "open", "endpoint": "https://open.example"}
    models = [
        {"model": "claude-opus-5", "id": "claude-opus-5", "source": "models-api"},
        {
            "model": "swapped",
            "id": "claude-sonnet-5",
            "source": "models-api",
            "substitute": "claude-sonnet-5",
        },
        {"model": "claude-of-the-policy", "id": "claude-of-the-policy", "source": "policy"},
        {"model": "*", "id": "*", "source": "policy"},
    ]
    documents = {
        "/status": STATUS,
        "/routes": [route | {"models": models}],
        "/policy": policy_in_force("there", route),
    }
    with serving(documents) as url:
        code, out, err = run(capsys, "--sidecar", url, "--json")
        shown = run(capsys, "--sidecar", url)[1]
    assert (code, err) == (0, "")
    assert [(each["model"], each["routes"]) for each in json.loads(out)] == [
        ("claude-opus-5", [{"route": "open", "id": "claude-opus-5", "source": "models-api"}]),
        ("claude-sonnet-5", [{"route": "open", "id": "claude-sonnet-5", "source": "models-api"}]),
        ("*", [{"route": "open", "id": "*", "source": "policy"}]),
    ]
    assert shown.startswith("policy there (hash ")
    assert "its list of models" in shown
    assert "any name goes to" not in shown


def test_lists_of_a_running_sidecar_join_a_policy_where_its_routes_lead_to_the_same_place(
    policy, capsys
) -> None:
    seen = [{"model": "claude-opus-5", "id": "claude-opus-5", "source": "models-api"}]
    same = {"name": "open", "endpoint": "https://open.example"}
    for place, listed in ((same, ["claude-opus-5"]), (same | {"endpoint": "https://other.example"}, [])):
        documents = {
            "/status": STATUS,
            "/routes": [place | {"models": seen}],
            "/policy": policy_in_force("there", place),
        }
        with serving(documents) as url:
            code, out, err = run(capsys, "--policy", policy, "--sidecar", url, "--json")
        named = [each["model"] for each in json.loads(out)]
        assert (code, named) == (0, ["claude-opus-4-1", *listed, "claude-sonnet-4-6", "*"])
        assert err.startswith(f"note: another policy is in force at {url}: there (hash ")


def test_what_a_stranger_lists_is_printed_only_if_it_is_a_name(capsys) -> None:
    route = {"name": "open", "endpoint": "https://open.example"}
    names = ["\x1b[31mred", 7, None, "a b", "m" * 129, "sk-ant-api03-key", "claude-opus-5"]
    models = [{"model": name, "id": name, "source": "models-api"} for name in names]
    documents = {
        "/status": STATUS,
        "/routes": ["x", {"name": [], "endpoint": {}}, route | {"models": [1, *models]}],
        "/policy": policy_in_force("there", route),
    }
    with serving(documents) as url:
        out = run(capsys, "--sidecar", url)[1]
    lines = out.splitlines()[3:]
    assert [line.split()[0] for line in lines] == ["claude-opus-5", "any"]


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({}, "whoever answers there is no sidecar of ours (status 404 to GET /status)"),
        ({"/status": ["p"]}, "whoever answers there is no sidecar of ours (status 200 to GET /status)"),
        (
            {"/status": STATUS},
            "tells no routes: that sidecar has no policy, or is asked from another machine",
        ),
        ({"/status": STATUS, "/routes": {"a": 1}, "/policy": "p"}, " tells no routes: "),
        (
            {
                "/status": STATUS,
                "/routes": [{"name": "a"}],
                "/policy": {"apiVersion": "claude-sidecar.dev/v9"},
            },
            "this sidecar's policy is of another version: run its own claude-sidecar",
        ),
    ],
)
def test_what_is_no_sidecar_or_tells_nothing_is_one_sentence_and_exit_code_1(documents, says, capsys) -> None:
    with serving(documents) as url:
        code, out, err = run(capsys, "--sidecar", url)
    assert (code, out) == (1, "")
    assert says in err
    assert len(err.splitlines()) == 1


@pytest.mark.long
def test_a_port_where_nobody_listens_and_one_that_never_answers_are_told_within_bounds(
    free_port, capsys
) -> None:
    code, _, err = run(capsys, "--sidecar", f"http://127.0.0.1:{free_port}")
    assert (code, "no sidecar answers" in err, "start the sidecar" in err) == (1, True, True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, _, err = run(capsys, "--sidecar", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (code, "nothing within 3 s" in err) == (1, True)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "give --policy FILE, --sidecar URL, or both"),
        (["--sidecar", "127.0.0.1:8788"], "must start with https:// (or http:// for a loopback host)"),
    ],
)
def test_wrong_usage_is_exit_code_2(args, says, capsys) -> None:
    code, _, err = run(capsys, *args)
    assert (code, says in err) == (2, True)
