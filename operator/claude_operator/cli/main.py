"""The command `claude-operator`: finds the subcommand, and turns what went wrong into an exit code."""

import importlib
import os
import sys
import traceback

import click

from claude_sidecar import __version__

EXIT_INPUT_WRONG = 1
EXIT_BUG = 70
_EXIT_INTERRUPTED = 130
_EXTRA = frozenset({"cryptography", "kopf"})
"""What only the extra `operator` brings."""

# A subcommand is imported only when it is asked for: `inject` needs neither a server nor a cluster.
SUBCOMMANDS = {
    "reconcile": "Keep ConfigMaps, statuses and certificates as policies and pods want them.",
    "webhook": "Answer the API server's reviews of pods and workloads.",
    "inject": "Print manifests with the sidecar added; no cluster needed.",
}


class _Group(click.Group):
    """Subcommands by name; each lives as `command` in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        command = importlib.import_module(f"claude_operator.cli.{cmd_name}").command
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
@click.version_option(__version__, prog_name="claude-operator")
def group() -> None:
    """ClaudePolicy objects in a cluster, and the sidecars that keep to them."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit; args: by default those of the process."""
    sys.exit(_run(sys.argv[1:] if args is None else args))


def _run(args: list[str]) -> int:
    try:
        result = group.main(args, prog_name="claude-operator", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:  # usage errors carry 2, others 1
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _EXIT_INTERRUPTED
    except ModuleNotFoundError as missing:
        if missing.name not in _EXTRA:
            return _bug()
        print(
            f"claude-operator: {missing.name} is not installed; install the extra: "
            "pip install 'claude-sidecar[operator]'",
            file=sys.stderr,
        )
        return EXIT_INPUT_WRONG
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        return _bug()
    return result if isinstance(result, int) else 0


def _bug() -> int:
    traceback.print_exc()
    print("claude-operator: this is a bug; please report it with the lines above", file=sys.stderr)
    return EXIT_BUG


if __name__ == "__main__":
    main()
