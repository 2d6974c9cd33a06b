"""`claude-operator webhook`: one replica of the webhook as a process."""

import asyncio
import gc
import logging
import os
import signal
from pathlib import Path

import click

from claude_operator.admission.webhook import Options, Webhook
from claude_operator.cli.settings_file import read_settings
from claude_operator.cluster.access import Access, NoAccess, find_access
from claude_operator.cluster.api import Api
from claude_operator.inject.settings import Settings
from claude_sidecar import __version__
from claude_sidecar.telemetry.log import configure, event

logger = logging.getLogger(__name__)

_PORT = click.IntRange(1, 65535)


@click.command("webhook", context_settings={"auto_envvar_prefix": "CLAUDE_OPERATOR", "show_default": True})
@click.option("--namespace", required=True, help="Where the operator runs and its Secret is.")
@click.option("--secret", default="claude-operator-webhook", help="Secret with the certificate.")
@click.option("--configuration", default="claude-sidecar", help="MutatingWebhookConfiguration that calls us.")
@click.option("--settings", type=click.Path(path_type=Path), help="What sidecars are like, as YAML.")
@click.option("--host", help="Address to listen at; by default all.")
@click.option("--port", default=10250, type=_PORT, help="For API servers; firewalls let 10250 through.")
@click.option("--health-port", default=8081, type=_PORT, help="For probes and metrics.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="By default the pod's own account.")
@click.option(
    "--log-level",
    default="info",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
)
def command(
    namespace: str,
    secret: str,
    configuration: str,
    settings: Path | None,
    host: str | None,
    port: int,
    health_port: int,
    kubeconfig: Path | None,
    log_level: str,
) -> None:
    """Answer the API server's reviews; two or more of these run side by side.

    Each option is also a variable, such as CLAUDE_OPERATOR_NAMESPACE.
    """
    configure(log_level)
    try:
        access = find_access(kubeconfig, os.environ)
    except NoAccess as error:
        raise click.ClickException(str(error)) from None
    options = Options(namespace, secret, configuration, host, port, health_port)
    trouble: list[str] = []
    try:
        _run(access, options, read_settings(settings))
    except* OSError as errors:
        trouble += [f"cannot listen: {error}" for error in errors.exceptions]
    if trouble:
        raise click.ClickException("; ".join(trouble))


def _run(access: Access, options: Options, settings: Settings) -> None:
    import uvloop

    uvloop.run(_serve(access, options, settings))


async def _serve(access: Access, options: Options, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Api(access) as api, Webhook(api, options, settings).running():
        event(logger, logging.INFO, "started", version=__version__, port=options.port)
        # What was made at start lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        await stop.wait()
        event(logger, logging.INFO, "leaving")
    event(logger, logging.INFO, "stopped")
