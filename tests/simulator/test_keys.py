"""Who is let in, with which header, to which models."""

import pytest

KEYS = """
keys:
  - {name: first, key: sk-ant-api03-first, models: [claude-haiku-4-5, claude-opus-4-8]}
  - {name: strict, key: sk-ant-api03-strict, models: [claude-haiku-4-5], missing_model_status: 403}
  - {name: gone, key: sk-ant-api03-gone, state: revoked}
  - {name: boss, key: sk-ant-admin01-boss, kind: admin}
"""


@pytest.mark.parametrize(
    "key",
    [
        '"sk-ant-api03-x"',
        "'sk-ant-api03-x'",
        "sk-ant-api03 x",
        "sk-ant-api03-x\u200b",
        "sk-ant-api03-\udcff",
        "sk-proj-x",
        "sk-ant-admin01-x",
    ],
)
async def test_key_that_is_not_well_formed_is_refused(started, key):
    async with started() as bench:
        answer = await bench.message(_key=key)
    error = answer.json()
    assert answer.status == 401
    assert error["error"] == {"details": None, "type": "authentication_error", "message": "invalid x-api-key"}
    assert answer.header("anthropic-organization-id") is None


@pytest.mark.parametrize(
    "value", ["bearer sk-ant-api03-x", "Bearer: sk-ant-api03-x", "Bearer  sk-ant-api03-x", "x"]
)
async def test_authorization_that_is_not_well_formed_is_refused(started, value):
    async with started() as bench:
        answer = await bench.message(_key=None, _lines=[("authorization", value)])
    assert answer.status == 401


async def test_key_is_taken_in_either_header_but_not_in_both(started):
    bearer = ("Authorization", "Bearer sk-ant-api03-first")
    async with started() as bench:
        statuses = [
            (await bench.message()).status,
            (await bench.message(_key=None, _lines=[bearer])).status,
            (await bench.message(_lines=[bearer])).status,
            (await bench.message(_key=None)).status,
        ]
    assert statuses == [200, 200, 401, 401]


async def test_oauth_token_needs_its_beta_and_the_bearer_header(started):
    token = "sk-ant-oat01-x"
    bearer, beta = ("authorization", f"Bearer {token}"), ("anthropic-beta", "x-2025-01-01,oauth-2025-04-20")
    async with started() as bench:
        statuses = [
            (await bench.message(_key=None, _lines=[bearer, beta])).status,
            (await bench.message(_key=None, _lines=[bearer])).status,
            (await bench.message(_key=token, _lines=[beta])).status,
        ]
    assert statuses == [200, 401, 401]


async def test_scenario_says_what_a_key_may_do(started):
    async with started(KEYS) as bench:
        known = await bench.message()
        lacking = await bench.message(model="claude-opus-4-7")
        forbidden = await bench.message(_key="sk-ant-api03-strict")
        revoked = await bench.message(_key="sk-ant-api03-gone")
        admin = await bench.message(_key="sk-ant-admin01-boss")
        models = (await bench.ask("GET", "/v1/models")).json()
    assert [a.status for a in (known, lacking, forbidden, revoked, admin)] == [200, 404, 403, 401, 401]
    assert lacking.json()["error"]["message"] == "model: claude-opus-4-7"
    assert forbidden.json()["error"]["type"] == "permission_error"
    assert [model["id"] for model in models["data"]] == ["claude-opus-4-8", "claude-haiku-4-5-20251001"]


async def test_keys_that_a_scenario_does_not_name_can_be_refused(started):
    async with started(KEYS + "unknown_keys: refuse\n") as bench:
        assert (await bench.message(_key="sk-ant-api03-other")).status == 401
        assert (await bench.message()).status == 200


async def test_extra_models_of_a_scenario_are_served(started):
    async with started("models: [claude-next-1]") as bench:
        assert (await bench.message(model="claude-next-1")).status == 200
