"""What the page shows of a sidecar: of one that has seen nothing, of a busy one, of strangers' words."""

from datetime import timedelta
from typing import Any

from support import page_stub
from support.page_facts import (
    MODELS,
    NOW,
    attempt,
    call,
    cured,
    failed,
    minutes,
    overview,
    rollup,
    route,
    row,
    told,
)

from browser import Page

EVIL = "<img src=x onerror=\"document.title='caught'\">"
LONG = "claude-" + "x" * 150 + "-very" * 20

SEEN = [
    {"model": name, "id": name, "source": source}
    for name, source in (("*", "policy"), ("claude-seen-1", "models-api"))
]
SERVED = [
    {"model": "claude-served-1", "id": "eu.claude-served-1", "source": "policy"},
    {"model": "claude-old", "id": "claude-new", "source": "policy", "substitute": "claude-new"},
]
FIX = {
    "id": "limit/output-tokens/feature/search",
    "severity": "fix",
    "what": "3 % of calls of feature search meet the output-token limit",
    "fix": "Bound max_tokens of this feature.",
    "link": "errors.md#429",
    "window": "5m",
}


async def shown(page: Page, facts: dict[str, Any], calls: list[dict[str, Any]], then: str = "") -> str:
    """The text of the page once it shows these facts. then: an expression that is evaluated before."""
    await page.open("about:blank")
    page.errors.clear()  # of a stub before, which is gone
    page.requested.clear()
    async with page_stub.serving(facts, calls) as stub:
        await page.open(stub.url)
        await page.until("document.getElementById('connection').textContent === 'live'")
        await page.until("document.querySelector('.tile')")
        if calls:
            await page.until("document.querySelector('.call')")
        await page.evaluate(then or "null")
        text: str = await page.evaluate("document.body.innerText")
        assert page.errors == []
        assert {url.removeprefix(stub.url).partition("/")[0] for url in page.requested} <= {
            "",
            "about:blank",
            "data:image",
        }
    return text


async def test_a_sidecar_that_has_seen_nothing_needs_nobody_and_says_so(page: Page) -> None:
    text = await shown(page, overview(), [])
    for said in (
        "Nothing needs you.",
        "No calls in this time.",
        "No response has told a limit yet.",
        "No calls yet.",
    ):
        assert said in text
    assert "NaN" not in text
    assert "undefined" not in text


async def test_the_top_tells_which_policy_is_in_force_and_since_when(page: Page) -> None:
    text = await shown(page, overview(), [])
    assert "policy shop 5d41402abc4b" in text
    assert "from policy.yaml" in text
    assert "version 0.9.0" in text
    assert await page.evaluate("document.getElementById('policy-source').title") == (
        "/etc/claude-sidecar/policy.yaml"
    )


async def test_a_refused_policy_is_told_in_red_under_the_top(page: Page) -> None:
    policy = overview()["policy"] | {"lastError": "policy.yaml:7: spec.retry: unknown field"}
    text = await shown(page, overview(policy=policy), [])
    assert "stays in force: policy.yaml:7: spec.retry: unknown field" in text


async def test_a_trouble_stands_before_everything_with_what_to_do_about_it(page: Page) -> None:
    text = await shown(page, overview(troubles=[FIX]), [])
    assert "Nothing needs you." not in text
    assert text.index(FIX["what"]) < text.index(FIX["fix"]) < text.index("Traffic")
    assert await page.evaluate("document.title") == "(1) shop · claude-sidecar"


async def test_the_switch_of_time_changes_the_sums_and_the_rows(page: Page) -> None:
    rollups = {
        "5m": rollup({"model": [row(MODELS[0], 17, failed=2)]}),
        "1h": rollup({"model": [row(MODELS[1], 1234)]}),
        "start": rollup(),
    }
    text = await shown(page, overview(rollups=rollups), [])
    assert MODELS[0] in text
    assert MODELS[1] not in text
    text = await shown(
        page, overview(rollups=rollups), [], "document.querySelector('[value=\"1h\"]').click()"
    )
    assert "1,234" in text
    assert MODELS[0] not in text


async def test_each_dimension_has_a_tab_and_many_rows_are_shown_when_asked_for(page: Page) -> None:
    rows = [row(f"feature-{number}", 100 - number) for number in range(30)]
    facts = overview(rollups={name: rollup({"feature": rows}) for name in ("5m", "1h", "start")})
    text = await shown(page, facts, [], "document.getElementById('by-feature').click()")
    assert "feature-7" in text
    assert "feature-8" not in text
    text = await shown(
        page,
        facts,
        [],
        "document.getElementById('by-feature').click(), document.getElementById('more-rows').click()",
    )
    assert "feature-29" in text


async def test_cost_is_shown_where_prices_are_set_and_nowhere_else(page: Page) -> None:
    rows = {"model": [row(MODELS[0], 3, costUsd="0.0421")]}
    priced = rollup(rows, costUsd="0.0421", unpricedTokens=1200)
    text = await shown(
        page, overview(rollups={"5m": priced, "1h": priced, "start": priced}), [call(1, costUsd="1.5")]
    )
    assert "$0.042" in text
    assert "1.2K tokens without a price" in text
    text = await shown(page, overview(), [call(1)])
    assert "cost" not in text
    assert "$" not in text


async def test_the_chart_says_in_words_what_it_shows(page: Page) -> None:
    await shown(page, overview(minutes=minutes((40, 0, 0), (50, 6, 3))), [])
    said = await page.evaluate("document.getElementById('minutes').getAttribute('aria-label')")
    assert said == "In the last hour 90 calls: 3 cured, 6 failed; at most 50 calls in a minute."
    last_bars = "document.querySelectorAll('#minutes g:last-child rect')"
    ok, cured_, failed_ = await page.evaluate(
        f"[...{last_bars}].slice(1).map(r => +r.getAttribute('height'))"
    )
    assert ok > failed_ > cured_ >= 3


def limit(**given: Any) -> dict[str, Any]:
    """A limit that is near, unless told otherwise."""
    return {
        "route": "anthropic",
        "group": "claude-opus-5",
        "limit": "output-tokens",
        "remaining": 3000,
        "of": 80000,
        "nearPercent": 96.2,
        "resetsAt": told(NOW + timedelta(seconds=40)),
        "toldAt": told(NOW),
    } | given


async def test_a_near_limit_tells_what_is_left_for_which_models(page: Page) -> None:
    text = await shown(page, overview(limits=[limit()]), [])
    assert "output-tokens claude-opus-5 · anthropic" in text
    assert "3.8 % left: 3,000 of 80,000" in text
    assert await page.evaluate("document.querySelector('#limits li').dataset.tone") == "bad"


async def test_of_many_limits_the_nearest_are_shown_and_the_others_when_asked_for(page: Page) -> None:
    many = [limit(limit=f"limit-{number}") for number in range(20)]
    shown_limits = "document.querySelectorAll('#limits li').length"
    await shown(page, overview(limits=many), [])
    assert await page.evaluate(shown_limits) == 4
    await page.evaluate("document.getElementById('more-limits').click()")
    assert await page.evaluate(shown_limits) == 20


async def test_limits_that_are_full_again_are_one_line_until_they_are_asked_for(page: Page) -> None:
    over = [
        limit(limit=f"limit-{number}", nearPercent=0.0, resetsAt=told(NOW - timedelta(seconds=1)))
        for number in range(3)
    ]
    text = await shown(page, overview(limits=over), [])
    assert "All limits that were told are full again by now." in text
    assert "limit-0" not in text
    assert "All 3" in text


async def test_a_limit_that_was_told_long_ago_does_not_pass_for_one_of_now(page: Page) -> None:
    over = limit(nearPercent=0.0, resetsAt=told(NOW - timedelta(seconds=1)))
    facts = overview(limits=[limit(limit="requests", nearPercent=None), over])
    text = await shown(page, facts, [], "document.getElementById('more-limits').click()")
    assert "full again by now" in text
    assert "3,000 left when it was told" in text
    assert await page.evaluate("[...document.querySelectorAll('#limits li')].map(e => e.dataset.tone)") == [
        "",
        "",
    ]


async def test_commands_in_a_fix_are_set_as_commands(page: Page) -> None:
    trouble = FIX | {"fix": "Run `claude-sidecar doctor`, or `<b>`."}
    text = await shown(page, overview(troubles=[trouble]), [])
    assert "Run claude-sidecar doctor, or <b>." in text
    assert await page.evaluate("[...document.querySelectorAll('.fix code')].map(e => e.textContent)") == [
        "claude-sidecar doctor",
        "<b>",
    ]


async def test_a_route_tells_whether_one_model_or_all_of_it_is_in_trouble(page: Page) -> None:
    routes = [
        route("one", breaker="open", trouble="model claude-opus-5", models=SEEN),
        route(
            "two",
            breaker="open",
            trouble="route",
            serves=["claude-served-1"],
            models=SERVED,
            credential="missing",
        ),
    ]
    text = await shown(
        page,
        overview(routes=routes),
        [],
        "document.querySelectorAll('#routes details').forEach(d => { d.open = true })",
    )
    assert "one part only: model claude-opus-5. Other models get through." in text
    assert "the whole route" in text
    assert "its own credential is missing" in text
    assert "takes any model; 1 model known" in text
    assert "claude-seen-1" in text
    assert "claude-served-1 as eu.claude-served-1" in text
    assert "claude-old: claude-new instead" in text


async def test_a_call_opens_into_its_attempts_and_waits_with_the_rule_behind_each(page: Page) -> None:
    text = await shown(page, overview(), [cured(2), call(1)], "document.querySelector('.opener').click()")
    steps = await page.evaluate(
        "[...document.querySelectorAll('.timeline tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
    )
    assert [step[0] for step in steps] == [
        "attempt 1 anthropic · claude-opus-5",
        "wait backoff",
        "attempt 2 second-org · claude-opus-5 · moved from anthropic",
        "delivered from second-org",
    ]
    assert steps[0][3] == "529 · Overloaded · overloaded_error"
    assert steps[2][4] == "next route fallback.causes names Overloaded"
    assert steps[3][4].startswith("answered")
    assert f"claude-sidecar explain --request {cured(2)['callId']} --sidecar http://127.0.0.1:" in text


async def test_the_bars_of_a_timeline_are_to_scale(page: Page) -> None:
    await shown(page, overview(), [cured(2)], "document.querySelector('.opener').click()")
    spans = await page.evaluate("""
        [...document.querySelectorAll('.timeline .track')].map(track => {
          const [all, part] = [track, track.firstChild].map(each => each.getBoundingClientRect());
          return [(part.x - all.x) / all.width, part.width / all.width];
        })
    """)
    (_, first), (wait_at, wait), (second_at, second), _ = spans
    assert abs(first - 90 / 1655) < 0.01
    assert abs(wait_at - 91 / 1655) < 0.01
    assert abs(wait - 1159 / 1655) < 0.01
    assert abs(second_at - 1250 / 1655) < 0.01
    assert abs(second - 400 / 1655) < 0.01


async def test_the_filter_finds_by_any_fact_and_only_troubled_leaves_out_what_went_straight(
    page: Page,
) -> None:
    calls = [
        call(5),
        failed(4),
        cured(3),
        call(2),
        call(1, status=None, cancelled=True, route="none", attempts=[]),
    ]
    count = "document.querySelectorAll('.call').length"
    async with page_stub.serving(overview(), calls) as stub:
        await page.open(stub.url)
        await page.until(f"{count} === 5")
        for wanted, found in (
            ("hyphens", 1),
            ("OVERLOADED", 1),
            ("second-org", 1),
            ("left", 1),
            ("nowhere", 0),
        ):
            typed = f"e.value = {wanted!r}, e.dispatchEvent(new Event('input'))"
            await page.evaluate(f"(e => ({typed}))(document.getElementById('wanted'))")
            assert await page.evaluate(count) == found, wanted
        assert "None of the last calls is like that." in await page.evaluate("document.body.innerText")
        await page.evaluate(
            "(e => (e.value = '', e.dispatchEvent(new Event('input'))))(document.getElementById('wanted'))"
        )
        await page.evaluate("document.getElementById('troubled').click()")
        assert await page.evaluate(count) == 3


async def test_strangers_words_stay_words(page: Page) -> None:
    words = dict.fromkeys(
        ("model", "key", "feature", "route", "conversation", "hint", "errorType", "endBecause"), EVIL
    )
    evil_call = call(1, **words, attempts=[attempt(model=EVIL, route=EVIL, errorType=EVIL, because=EVIL)])
    rollups = {name: rollup({"model": [row(EVIL, 3)]}) for name in ("5m", "1h", "start")}
    facts = overview(
        rollups=rollups,
        troubles=[FIX | {"what": EVIL, "fix": EVIL, "link": EVIL}],
        routes=[
            route(
                EVIL,
                models=[{"model": EVIL, "id": EVIL}],
                trouble=f"model {EVIL}",
                endpoint=f"javascript:{EVIL}",
            )
        ],
        limits=[
            {
                "route": EVIL,
                "group": EVIL,
                "limit": EVIL,
                "remaining": 1,
                "of": 2,
                "resetsAt": EVIL,
                "toldAt": EVIL,
            }
        ],
        policy={"name": EVIL, "hash": EVIL, "source": EVIL, "lastError": EVIL},
    )
    text = await shown(page, facts, [evil_call], "document.querySelector('.opener').click()")
    assert text.count(EVIL) > 10
    assert await page.evaluate("document.querySelectorAll('img, main script, iframe').length") == 0
    assert not (await page.evaluate("document.title")).endswith("caught")


async def test_very_long_names_do_not_widen_the_page(page: Page) -> None:
    rollups = {name: rollup({"model": [row(LONG, 3)]}) for name in ("5m", "1h", "start")}
    facts = overview(
        rollups=rollups,
        routes=[route(LONG, trouble=f"model {LONG}", serves=[LONG], models=[{"model": LONG, "id": LONG}])],
        troubles=[FIX | {"what": LONG}],
    )
    long_call = call(
        1, model=LONG, feature=LONG, route=LONG, conversation=LONG, hint=LONG, attempts=[attempt(route=LONG)]
    )
    await shown(page, facts, [long_call], "document.querySelector('.opener').click()")
    for width in (1280, 390):
        await page.look(width, 800)
        assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_calls_that_no_rule_ended_are_shown_too(page: Page) -> None:
    nothing = dict.fromkeys(
        ("endRule", "endBecause", "status", "firstChunkMs", "requestId", "traceId", "requestBytes")
    )
    left = call(
        1, **nothing, cancelled=True, route="none", attempts=[attempt(rule=None, because=None, status=None)]
    )
    del left["costUsd"], left["conversation"], left["agent"], left["blindRepeat"]
    text = await shown(page, overview(), [left], "document.querySelector('.opener').click()")
    assert "the caller left" in text
    for nonsense in ("undefined", "NaN", "null"):
        assert nonsense not in text
