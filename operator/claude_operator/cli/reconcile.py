"""`claude-operator reconcile`: the one process that writes."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import click

from claude_operator.cluster.access import NoAccess, find_access
from claude_operator.reconcile.certificates import CertificateOptions
from claude_operator.reconcile.lease import LeaseLost
from claude_operator.reconcile.probes import PortUnusable
from claude_operator.reconcile.process import Process
from claude_operator.reconcile.settings import Settings
from claude_operator.reconcile.watching import WatchingEnded
from claude_sidecar import clock
from claude_sidecar.telemetry.log import configure

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@click.command("reconcile", context_settings={"auto_envvar_prefix": "CLAUDE_OPERATOR"})
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Else the pod's own account, else what KUBECONFIG names.",
)
@click.option("--namespace", help="The operator's own, for its Lease; by default the pod's.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Probes and metrics."
)
@click.option(
    "--asks-per-second",
    default=200.0,
    show_default=True,
    type=click.FloatRange(0, 10_000),
    help="Sidecars asked for their /status; 0: none.",
)
@click.option(
    "--ask-every-seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    help="How often a sidecar that runs its policy is asked.",
)
@click.option(
    "--nudges-per-second",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0, 1000),
    help="Pods touched after an edit, so that it reaches them in seconds; 0: none.",
)
@click.option(
    "--resync-seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    help="How often watches are held against lists.",
)
@click.option(
    "--watch-silence-seconds",
    default=90.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="A watch that is silent for so long is opened anew.",
)
@click.option(
    "--lease-seconds", default=15.0, show_default=True, type=click.FloatRange(1, 3600), help="Of the Lease."
)
@click.option(
    "--excluded-namespaces",
    default="",
    help="Where the webhook's configuration lets nothing be injected, with commas between.",
)
@click.option(
    "--webhook-certificates/--no-webhook-certificates",
    default=True,
    show_default=True,
    help="Make and renew the webhook's certificate; no: others do.",
)
@click.option("--webhook-secret", default="claude-operator-webhook", show_default=True, help="Its Secret.")
@click.option(
    "--webhook-configuration",
    default="claude-sidecar",
    show_default=True,
    help="MutatingWebhookConfiguration whose caBundle is written.",
)
@click.option(
    "--webhook-service", default="claude-sidecar-webhook", show_default=True, help="Whose name it certifies."
)
@click.option(
    "--webhook-selector",
    default="app.kubernetes.io/name=claude-sidecar,app.kubernetes.io/component=webhook",
    show_default=True,
    help="Labels of the webhook's pods.",
)
@click.option(
    "--webhook-port",
    default=10250,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Of these pods, where a rotation sees what they serve.",
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
)
def command(namespace: str | None, log_level: str, **options: Any) -> None:
    """Keep ConfigMaps and statuses as policies and pods want them.

    Each option is also a variable: CLAUDE_OPERATOR_PORT and so on. One process works at a time; a second one
    waits until the first has gone.
    """
    configure(log_level)
    settings = _settings(namespace or _own_namespace(), **options)
    try:
        asyncio.run(_run(settings))
    except (NoAccess, PortUnusable) as error:
        raise click.ClickException(str(error)) from None
    except LeaseLost as lost:
        raise click.ClickException(f"stopped, since the Lease was lost: {lost}") from None
    except WatchingEnded as ended:
        raise click.ClickException(f"stopped, to be started anew, since watching ended: {ended}") from None


def _settings(
    own: str,
    kubeconfig: Path | None,
    port: int,
    asks_per_second: float,
    ask_every_seconds: float,
    nudges_per_second: float,
    resync_seconds: float,
    watch_silence_seconds: float,
    lease_seconds: float,
    excluded_namespaces: str,
    webhook_certificates: bool,
    webhook_secret: str,
    webhook_configuration: str,
    webhook_service: str,
    webhook_selector: str,
    webhook_port: int,
) -> Settings:
    certificates = CertificateOptions(
        namespace=own,
        secret=webhook_secret,
        configuration=webhook_configuration,
        hosts=(f"{webhook_service}.{own}.svc",),
        selector=webhook_selector,
        port=webhook_port,
    )
    return Settings(
        kubeconfig=kubeconfig,
        namespace=own,
        identity=f"{os.environ.get('POD_NAME') or socket.gethostname()}_{clock.random_hex(8)}",
        port=port,
        asks_per_second=asks_per_second,
        ask_every_s=ask_every_seconds,
        nudges_per_second=nudges_per_second,
        resync_s=resync_seconds,
        watch_silence_s=watch_silence_seconds,
        lease_s=lease_seconds,
        excluded_namespaces=frozenset(excluded_namespaces.split(",")),
        certificates=certificates if webhook_certificates else None,
    )


async def _run(settings: Settings) -> None:
    await Process(settings, find_access(settings.kubeconfig, os.environ)).run()


def _own_namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        raise click.ClickException(
            "the operator's own namespace is not known outside a pod; give --namespace NAME"
        ) from None
