"""The command `claude-sidecar`: finds the subcommand, and turns what went wrong into an exit code."""

import contextlib
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import click

from claude_sidecar import __version__
from claude_sidecar.config.problem import PolicyInvalid

EXIT_INPUT_WRONG = 1
EXIT_BUG = 70
_EXIT_INTERRUPTED = 130

# A subcommand is imported only when it is asked for: `run` must be ready fast, and `check` needs no server.
SUBCOMMANDS = {
    "run": "The proxy beside an app.",
    "check": "Validate policy files.",
    "explain": "Say step by step what a policy makes of an error, or made of a call.",
    "replay": "Play an outage through a policy, on virtual time.",
    "doctor": "Find what is wrong with a key, a model, a base URL, a route.",
    "models": "List the models that calls can reach, by which routes.",
    "simulate": "A simulated Claude API, faults included.",
    "demo": "The whole thing on this machine: no key, no network.",
}


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Whoever read our output has seen enough: no failure, though click would exit with 1."""
    try:
        yield
    except BrokenPipeError:
        _write_nowhere()
        raise click.exceptions.Exit(0) from None


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Group(click.Group):
    """Subcommands by name; each lives as `command` in the module of its name."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _reader_may_leave():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _reader_may_leave():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        # What is imported stays: looking for garbage in it takes a sixth of the time until ready.
        gc.disable()
        try:
            command = importlib.import_module(f"claude_sidecar.cli.{cmd_name}").command
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 invalid input, 2 usage error, 70 internal error.",
)
@click.version_option(__version__, prog_name="claude-sidecar")
def group() -> None:
    """A sidecar that carries calls to the Claude API through rate limits, overloads and broken streams."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit; args: by default those of the process."""
    sys.exit(_run(sys.argv[1:] if args is None else args))


def _run(args: list[str]) -> int:
    try:
        result = group.main(args, prog_name="claude-sidecar", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:  # usage errors carry 2, others 1
        error.show()
        return error.exit_code
    except PolicyInvalid as invalid:
        print(invalid, file=sys.stderr)
        return EXIT_INPUT_WRONG
    except (click.Abort, KeyboardInterrupt):
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # on the last flush
        _write_nowhere()
        return 0
    except Exception:
        traceback.print_exc()
        print("claude-sidecar: this is a bug; please report it with the lines above", file=sys.stderr)
        return EXIT_BUG
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
