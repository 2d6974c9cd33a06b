"""The names we emit are those of the published semantic conventions, and those the docs list."""

import re

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.semconv.schemas import Schemas
from support.project import ROOT

from claude_sidecar.telemetry import names

PUBLISHED = (
    gen_ai_attributes,
    gen_ai_metrics,
    http_attributes,
    server_attributes,
    url_attributes,
    error_attributes,
)
OF_THE_CONVENTIONS = sorted(
    name for name in vars(names) if name.startswith(("GEN_AI_", "HTTP_", "SERVER_", "URL_", "ERROR_"))
)
DOCS = ROOT / "docs" / "telemetry.md"


@pytest.mark.parametrize("constant", OF_THE_CONVENTIONS)
def test_name_is_the_conventions_own(constant: str) -> None:
    published = [getattr(module, constant) for module in PUBLISHED if hasattr(module, constant)]
    assert published == [getattr(names, constant)]


def test_schema_url_is_that_of_the_version_we_follow() -> None:
    assert Schemas.V1_41_1.value == names.SCHEMA_URL


@pytest.mark.parametrize(
    ("convention", "unit", "metric"),
    [
        (names.GEN_AI_CLIENT_TOKEN_USAGE, "", names.M_GEN_AI_TOKENS),
        (names.GEN_AI_CLIENT_OPERATION_DURATION, "_seconds", names.M_GEN_AI_DURATION),
        (names.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "_seconds", names.M_GEN_AI_FIRST_CHUNK),
    ],
)
def test_metric_is_named_as_the_translation_to_prometheus_names_it(
    convention: str, unit: str, metric: str
) -> None:
    assert convention.replace(".", "_") + unit == metric


def test_labels_of_gen_ai_metrics_are_attributes_of_the_conventions() -> None:
    known = {
        names.GEN_AI_OPERATION_NAME,
        names.GEN_AI_PROVIDER_NAME,
        names.GEN_AI_REQUEST_MODEL,
        names.GEN_AI_TOKEN_TYPE,
        names.ERROR_TYPE,
    }
    labels = {
        label
        for name, labels in names.METRIC_LABELS.items()
        if name.startswith("gen_ai_")
        for label in labels
    }
    assert labels == {name.replace(".", "_") for name in known}


def documented(pattern: str) -> set[str]:
    """First cells of the docs' tables that match."""
    return set(re.findall(rf"^\| `({pattern})` \|", DOCS.read_text(), re.MULTILINE))


def test_docs_list_every_metric_with_its_labels() -> None:
    rows = re.findall(
        r"^\| `((?:claude_sidecar|gen_ai)_\w+)` \| \w+ \|([^|]*)\|", DOCS.read_text(), re.MULTILINE
    )
    assert {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == names.METRIC_LABELS


def test_docs_list_every_attribute_and_event_of_spans() -> None:
    emitted = {
        value
        for name, value in vars(names).items()
        if isinstance(value, str)
        and not name.startswith(("M_", "LOG_", "EVENT_WAIT_", "EVENT_FALLBACK_", "GEN_AI_CLIENT_", "_"))
        and re.fullmatch(r"(gen_ai|http|server|url|error|claude_sidecar)\.[\w.\-]+", value)
    }
    assert documented(r"(?:gen_ai|http|server|url|error|claude_sidecar)\.[\w.\-]+") == emitted - {
        names.GEN_AI_TOKEN_TYPE
    }


def test_docs_list_every_log_message() -> None:
    messages = {value for name, value in vars(names).items() if name.startswith("LOG_")}
    section = DOCS.read_text().split("## Log lines", 1)[1]
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) >= messages
