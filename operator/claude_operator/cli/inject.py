"""`claude-operator inject`: what the webhook does, on a file."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from claude_operator.cli.settings_file import read_settings
from claude_operator.inject.manifest import inject_manifest, policies_in
from claude_operator.inject.patch import patch
from claude_operator.inject.yaml_documents import Unreadable, changed_text, read_documents
from claude_operator.policy_name import is_policy_name


def _policy_name(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not is_policy_name(name):
        raise click.BadParameter(f"{name!r}: allowed: lower-case letters, digits, '-' and '.', at most 63")
    return name


@click.command("inject")
@click.option(
    "-f",
    "--filename",
    "filename",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="YAML, several documents if you like; - is standard input.",
)
@click.option(
    "--policy", required=True, callback=_policy_name, help="ClaudePolicy for what names none itself."
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="Image, resources and so on, as the chart sets them for the webhook.",
)
def command(filename: Path, policy: str, settings: Path | None) -> None:
    """Print manifests with the sidecar in their pods.

    Documents that have no pods stay letter for letter. In those that are changed comments are lost. A
    ClaudePolicy in the same input is taken into account.
    """
    chosen = read_settings(settings)
    called, text = _read(filename)
    try:
        preamble, documents = read_documents(text)
    except Unreadable as unreadable:
        raise click.ClickException(f"{called}:{unreadable.line}: {unreadable}") from None
    policies = dict(found for document in documents for found in policies_in(document.value))
    printed = preamble
    for document in documents:
        try:
            made = inject_manifest(document.value, policy, chosen, policies)
        except (AttributeError, KeyError, TypeError, ValueError):
            _tell(f"{called}:{document.line}: not the shape that its kind has; left as it is")
            printed += document.text
            continue
        for warning in made.warnings:
            _tell(f"{called}:{document.line}: {warning}")
        operations = patch(document.value, made.manifest)
        if operations and re.search(r"(^|\s)#", document.text):
            _tell(f"{called}:{document.line}: comments of this document are lost")
        printed += changed_text(document, operations) if operations else document.text
    click.echo(printed, nl=False)


def _read(filename: Path) -> tuple[str, str]:
    """What the input is called in messages, and its text."""
    standard_input = str(filename) == "-"
    called = "standard input" if standard_input else str(filename)
    try:
        content: Any = sys.stdin.buffer.read() if standard_input else filename.read_bytes()
        return called, content.decode("utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{called}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{called}: is not text in UTF-8; save it as UTF-8") from None


def _tell(message: str) -> None:
    click.echo(message, err=True)
