"""The addresses of names: who is asked, how often, and what serves while no answer comes."""

import asyncio

import pytest
from support.fakes.scripted_resolver import FAILS, NO_ADDRESS, NO_NAME, Late, ScriptedResolver, Silent

from claude_sidecar import clock
from claude_sidecar.upstream.names import Names, NameUnknown
from claude_sidecar.upstream.resolver import Verdict

pytestmark = pytest.mark.looptime

API = "api.example.com"
BOTH = ["10.0.0.1", "2001:db8::1"]


async def found(names: Names, host: str = API) -> list[str]:
    return [address.ip for address in (await names.find(host)).addresses]


async def took(names: Names, host: str = API) -> tuple[list[str], float]:
    """The addresses and how long they took, in seconds."""
    before = clock.now()
    return await found(names, host), round(clock.now() - before, 3)


async def test_cold_name_costs_one_question_a_family_whatever_the_search_list() -> None:
    resolver = ScriptedResolver({API: BOTH}, search={API: ["10.9.9.9"]})
    assert await found(Names(resolver)) == ["2001:db8::1", "10.0.0.1"]
    assert sorted(resolver.asked) == [f"A {API}", f"AAAA {API}"]


async def test_services_name_is_searched_for_where_cluster_dns_refuses_names_beyond_the_cluster() -> None:
    resolver = ScriptedResolver(records={"llm.team.svc": FAILS}, search={"llm.team.svc": BOTH})
    assert await found(Names(resolver), "llm.team.svc")
    assert resolver.asked[-1] == "search llm.team.svc"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("llm.team.svc", ["AAAA llm.team.svc", "A llm.team.svc", "search llm.team.svc"]),
        ("llm.team", ["search llm.team"]),
        ("llm", ["search llm"]),
    ],
)
async def test_search_list_is_for_names_with_few_dots_and_for_those_that_do_not_exist(name, asked) -> None:
    resolver = ScriptedResolver(search={name: ["10.0.0.7"]})
    assert await found(Names(resolver), name) == ["10.0.0.7"]
    assert resolver.asked == asked


@pytest.mark.parametrize("says", [FAILS, NO_ADDRESS])
async def test_search_list_is_not_asked_for_a_name_whose_look_up_fails_or_that_exists(says) -> None:
    resolver = ScriptedResolver({API: says, f"AAAA {API}": NO_NAME}, search={API: ["10.9.9.9"]})
    with pytest.raises(NameUnknown) as unknown:
        await found(Names(resolver))
    assert unknown.value.told == says
    assert f"search {API}" not in resolver.asked


@pytest.mark.parametrize("name", [API, "localhost", "llm.team"])
async def test_hosts_file_comes_before_every_name_server(name) -> None:
    resolver = ScriptedResolver({name: BOTH}, search={name: BOTH}, hosts={name: ["127.0.0.3", "127.0.0.2"]})
    assert await found(Names(resolver), name) == ["127.0.0.3", "127.0.0.2"]
    assert resolver.asked == []


@pytest.mark.parametrize("figures", ["127.0.0.1", "::1", "10.255.255.1"])
async def test_address_in_figures_is_looked_up_nowhere(figures) -> None:
    resolver = ScriptedResolver(hosts={figures: ["10.6.6.6"]})
    assert await found(Names(resolver), figures) == [figures]
    assert resolver.asked == []


async def test_hundred_calls_at_once_share_one_look_up() -> None:
    resolver = ScriptedResolver({API: Late(1.0, BOTH)})
    names = Names(resolver)
    assert len({tuple(one) for one in await asyncio.gather(*(found(names) for _ in range(100)))}) == 1
    assert len(resolver.asked) == 2


async def test_addresses_are_asked_for_again_after_half_a_minute_and_not_before() -> None:
    resolver = ScriptedResolver({API: ["10.0.0.1"]})
    names = Names(resolver)
    await found(names)
    resolver.records[API] = ["10.0.0.2"]
    await asyncio.sleep(29)
    assert await found(names) == ["10.0.0.1"]
    await asyncio.sleep(2)
    assert await found(names) == ["10.0.0.2"]
    assert len(resolver.asked) == 4


async def test_failed_connect_has_the_name_looked_up_again_at_once() -> None:
    resolver = ScriptedResolver({API: ["10.0.0.1", "10.0.0.2"]})
    names = Names(resolver)
    known = await names.find(API)
    names.failed(API, known.addresses[:1])
    assert await found(names) == ["10.0.0.2", "10.0.0.1"]
    assert len(resolver.asked) == 4


async def test_address_that_worked_last_is_the_first_until_it_fails() -> None:
    names = Names(ScriptedResolver({API: ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}))
    third = (await names.find(API)).addresses[2]
    names.worked(API, third)
    assert await found(names) == ["10.0.0.3", "10.0.0.1", "10.0.0.2"]
    names.failed(API, (third,))
    assert await found(names) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


@pytest.mark.parametrize(("silent", "told"), [(f"AAAA {API}", ["10.0.0.1"]), (f"A {API}", ["2001:db8::1"])])
async def test_name_server_that_swallows_one_family_costs_50_ms(silent, told) -> None:
    resolver = ScriptedResolver({API: BOTH, silent: Silent()})
    names = Names(resolver)
    assert await took(names) == (told, 0.05)
    assert await took(names) == (told, 0)
    names.close()


async def test_late_family_joins_when_it_comes() -> None:
    names = Names(ScriptedResolver({API: BOTH, f"AAAA {API}": Late(3.0, BOTH)}))
    known = await names.find(API)
    assert len(known.addresses) == 1
    assert known.more is not None
    await known.more
    assert await found(names) == ["2001:db8::1", "10.0.0.1"]


async def test_silence_of_one_name_delays_no_other() -> None:
    resolver = ScriptedResolver({API: Silent(), "other.example.com": BOTH})
    names = Names(resolver)
    waiting = [asyncio.ensure_future(found(names)) for _ in range(50)]
    await asyncio.sleep(1)
    assert await took(names, "other.example.com") == (["2001:db8::1", "10.0.0.1"], 0)
    assert resolver.waiting == 2
    for one in waiting:
        one.cancel()
    names.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert resolver.waiting == 0


async def test_waiter_that_leaves_ends_nobody_elses_look_up() -> None:
    names = Names(ScriptedResolver({API: Late(2.0, BOTH)}))
    leaves, stays = asyncio.ensure_future(found(names)), asyncio.ensure_future(found(names))
    await asyncio.sleep(1)
    leaves.cancel()
    assert len(await stays) == 2


@pytest.mark.parametrize("trouble", [FAILS, Silent()])
async def test_last_addresses_serve_for_an_hour_while_the_name_server_fails(trouble) -> None:
    resolver = ScriptedResolver({API: ["10.0.0.1"]})
    names = Names(resolver)
    await found(names)
    resolver.records[API] = trouble
    await asyncio.sleep(3500)
    told, seconds = await took(names)
    assert (told, seconds <= 0.5) == (["10.0.0.1"], True)
    assert await took(names) == (["10.0.0.1"], 0)
    await asyncio.sleep(200)
    with pytest.raises((NameUnknown, TimeoutError)):
        await asyncio.wait_for(found(names), 5)
    names.close()


async def test_answer_later_than_patience_serves_the_next_call() -> None:
    resolver = ScriptedResolver({API: ["10.0.0.1"]})
    names = Names(resolver)
    await found(names)
    await asyncio.sleep(31)
    resolver.records[API] = Late(2.0, ["10.0.0.2"])
    assert await took(names) == (["10.0.0.1"], 0.5)
    assert await took(names) == (["10.0.0.1"], 0)
    await asyncio.sleep(2)
    assert await took(names) == (["10.0.0.2"], 0)
    assert len(resolver.asked) == 4


async def test_slip_of_a_name_server_that_denies_the_name_is_outlived_a_real_end_is_not() -> None:
    resolver = ScriptedResolver({API: ["10.0.0.1"]})
    names = Names(resolver)
    await found(names)
    await asyncio.sleep(31)
    del resolver.records[API]
    assert await found(names) == ["10.0.0.1"]
    await asyncio.sleep(59)
    assert await found(names) == ["10.0.0.1"]
    await asyncio.sleep(2)
    with pytest.raises(NameUnknown) as unknown:
        await found(names)
    assert unknown.value.told.verdict is Verdict.NO_NAME
    resolver.records[API] = ["10.0.0.4"]
    assert await found(names) == ["10.0.0.4"]


async def test_unknown_name_is_asked_for_anew_each_time() -> None:
    resolver = ScriptedResolver()
    names = Names(resolver)
    for _ in range(2):
        with pytest.raises(NameUnknown, match="Name or service not known"):
            await found(names)
    resolver.records[API] = BOTH
    assert len(await found(names)) == 2


async def test_names_that_nobody_asks_for_any_more_are_forgotten() -> None:
    names = Names(ScriptedResolver(search={f"n{number}": BOTH for number in range(100)}))
    for number in range(100):
        await found(names, f"n{number}")
        await asyncio.sleep(100)
    assert len(names) < 40
