"""The commands `check` and `explain`: what they print, and their exit codes."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT

from claude_sidecar import __version__
from claude_sidecar.cli.main import main

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
TWO = str(ROOT / "examples" / "two-organisations.yaml")
HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\n"


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_there_is_an_example_for_each_case() -> None:
    assert {path.stem for path in EXAMPLES} >= {
        "single-key",
        "two-organisations",
        "strict-no-retry",
        "low-latency-chat",
        "batch-job",
        "prices",
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_passes_check_under_its_own_name(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(path))
    assert code == 0
    assert out.startswith(f"ok {path}: policy {path.stem}, ")
    assert " hash " in out


def test_check_of_good_and_bad_files_tells_of_all_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(HEAD + "spec:\n  retry: {maxAttempts: 12, causes: [Oops]}\n")
    code, out, _ = run(capsys, "check", str(bad), TWO, str(tmp_path / "none.yaml"))
    first, second, third, fourth = out.splitlines()
    assert code == 1
    assert first == (
        f"{bad}:4: spec.retry.causes[0]: `Oops` is not possible here; "
        "allowed: RateLimit, Overloaded, ServerError, ConnectionFailure, Timeout"
    )
    assert second == f"{bad}:4: spec.retry.maxAttempts: `12` is out of range; allowed: 1 to 10"
    assert third.startswith(f"ok {TWO}: policy two-organisations, 2 routes, hash ")
    assert "none.yaml:1: (file): there is no such file" in fourth


@pytest.mark.parametrize("endpoint", ["http://localhost:8787", "http://127.0.0.1:8788"])
def test_check_warns_of_an_endpoint_where_the_sidecar_usually_listens(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    round_trip = tmp_path / "round.yaml"
    round_trip.write_text(HEAD + f"spec: {{routes: [{{name: a, endpoint: '{endpoint}'}}]}}\n")
    code, out, err = run(capsys, "check", str(round_trip))
    assert (code, out.startswith("ok ")) == (0, True)
    assert err.startswith(f"warning {round_trip}: spec.routes[0].endpoint: leads to port {endpoint[-4:]} ")


def test_check_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((HEAD + "spec: {x: 1}\n").encode())))
    code, out, _ = run(capsys, "check", "-")
    assert code == 1
    assert out.startswith("<stdin>:3: spec.x: unknown field")


@pytest.mark.parametrize(
    "args", [(), ("check",), ("nonsense",), ("explain", TWO), ("explain", TWO, "--status", "7")]
)
def test_wrong_usage_exits_2(args: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *args)[0] == 2


def test_explain_of_a_bad_policy_exits_1_with_its_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "explain", str(tmp_path / "none.yaml"), "--status", "529")
    assert (code, out) == (1, "")
    assert "none.yaml:1: (file): there is no such file" in err


def test_version_and_help_need_no_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert __version__ in run(capsys, "--version")[1]
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(name in out for name in ("run", "check", "explain", "simulate", "demo"))


@pytest.mark.processes
def test_check_imports_no_server_and_no_exporter() -> None:
    script = (
        "import sys\n"
        "from claude_sidecar.cli.main import main\n"
        "try:\n    main(['check', sys.argv[1]])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'aiohttp', 'opentelemetry', 'prometheus_client', 'httptools'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, TWO], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_bug_exits_70(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("claude_sidecar.cli.check.load_file", broken)
    code, _, err = run(capsys, "check", TWO)
    assert code == 70
    assert "this is a bug" in err


@pytest.mark.processes
def test_reference_of_fields_is_fresh() -> None:
    tool = ROOT / "tools" / "gen_policy_reference.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
