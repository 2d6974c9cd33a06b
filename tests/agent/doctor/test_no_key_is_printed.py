"""Whatever is given as key, and wherever else it was put: no part of it is printed, and nothing breaks."""

import asyncio
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fakes.scripted_resolver import ScriptedResolver

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.examination import Examination
from claude_sidecar.doctor.report import json_of, line_of
from claude_sidecar.doctor.surroundings import Asked, Surroundings
from claude_sidecar.doctor.withheld import WITHHELD, withheld

_PART = 8
TAILS = st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), min_size=24, max_size=48)
PREFIXES = st.sampled_from(
    ["sk-ant-api03-", "sk-ant-oat01-", "sk-ant-admin01-", "", "Bearer sk-ant-api03-", '"']
)
AROUND = st.text(st.sampled_from(" \n\t\"'\u200b\u00e9Bearer:"), max_size=6)


def parts(secret: str) -> set[str]:
    return {secret[at : at + _PART].lower() for at in range(len(secret) - _PART + 1)}


async def printed(environ: dict[str, str], asked: Asked) -> str:
    told: list[Check] = []
    said: list[str] = []
    with TemporaryDirectory() as folder:
        conf = Path(folder) / "resolv.conf"
        around = Surroundings(environ, io.BytesIO(), ScriptedResolver(), told.append, said.append, conf)
        checks = await Examination(asked, around).run()
    return "\n".join([*map(line_of, told), *said, json_of(checks)]).lower()


@settings(max_examples=25)
@given(PREFIXES, TAILS, AROUND, AROUND)
def test_no_part_of_a_key_is_printed_wherever_it_was_put(
    prefix: str, tail: str, before: str, after: str
) -> None:
    key = f"{before}{prefix}{tail}{after}"
    for environ, asked in (
        ({"ANTHROPIC_API_KEY": key}, Asked(base_url="http://127.0.0.1:1", model=tail)),
        ({"ANTHROPIC_AUTH_TOKEN": key, "ANTHROPIC_BASE_URL": f"https://{tail}.example"}, Asked()),
        ({"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": key}, Asked(model=key)),
        ({"ANTHROPIC_API_KEY": key}, Asked(base_url=f"https://gateway.example/{tail}/v1")),
        ({"ANTHROPIC_CUSTOM_HEADERS": f"x-api-key: {key}"}, Asked(base_url="http://127.0.0.1:1")),
        ({}, Asked(key_file=f"sk-ant-api03-{tail}")),
        ({}, Asked(base_url=f"https://gateway.example:sk-ant-api03-{tail}")),
        ({}, Asked(base_url=f"sk-ant-api03-{tail}", model=f"sk-ant-api03-{tail}")),
        ({}, Asked(key_env=f"sk-ant-api03-{tail}")),
        ({"OURS": key}, Asked(key_env="OURS", base_url="http://127.0.0.1:1", model=prefix + tail)),
    ):
        text = asyncio.run(printed(environ, asked))
        assert '"checks"' in text
        assert not any(part in text for part in parts(tail)), text


def test_words_with_a_part_of_a_secret_are_withheld_and_others_stay() -> None:
    secret = b"sk-ant-api03-Qm7ZxV2kPwR9"
    assert withheld("the name qm7zxv2kpwr9.example does not resolve", [secret]) == (
        f"the name {WITHHELD} does not resolve"
    )
    assert withheld("x-api-key came", [secret, b"", b"provided-by-claude-sidecar"]) == "x-api-key came"


@pytest.mark.parametrize("result", Result)
def test_a_check_is_one_line(result: Result) -> None:
    line = line_of(Check(CheckId.KNOWN_GOOD_CALL, "there", result, "found.", "do it"))
    assert "\n" not in line
    assert line.endswith("there: found. To do: do it.")
