"""What is done next about the certificates, played from nothing to a finished rotation and through damage."""

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from claude_operator.certificates.carry_out import carried_out
from claude_operator.certificates.plan import Lifetimes, Seen, Step, next_step
from claude_operator.certificates.secret import Held, bundle_in, bundle_of, data_of, held_in
from claude_operator.certificates.trust import is_trusted

HOSTS = ("hook.shop.svc", "127.0.0.1")
TIMES = Lifetimes(timedelta(days=365), timedelta(days=90), timedelta(seconds=10))
START = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """Secret, configuration and two replicas; the replicas take a leaf some time after it is there."""

    now: datetime = START
    held: Held = field(default_factory=Held)
    bundle: tuple[x509.Certificate, ...] = ()
    trusted_since: datetime | None = None
    replicas: list[x509.Certificate | None] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def seen(self) -> Seen:
        """As the keeper sees it."""
        trusted = None
        if self.trusted_since is not None and set(self.held.authorities[:1]) <= set(self.bundle):
            trusted = self.now - self.trusted_since
        return Seen(self.held, self.bundle, trusted, tuple(self.replicas))

    def look(self) -> Step:
        """One look: steps until there is nothing to do, then the bundle."""
        step = Step.NOTHING
        for _ in range(4):
            step = next_step(self.seen(), HOSTS, TIMES, self.now)
            if step is Step.NOTHING:
                break
            self.steps.append(step)
            self.held = held_in(data_of(carried_out(step, self.seen(), HOSTS, TIMES, self.now)))
        newest = self.held.authorities[0]
        if newest not in self.bundle:
            self.trusted_since = self.now
        self.bundle = self.held.authorities
        return step

    def reload(self, count: int = 2) -> None:
        """So many replicas serve the Secret's leaf."""
        assert self.held.leaf is not None
        new = self.held.leaf.certificate
        self.replicas = [new] * count + self.replicas[count:]

    def answers(self) -> bool:
        """Whether every replica's answer is trusted, while API servers know the bundle of now."""
        return all(leaf is not None and is_trusted(leaf, self.bundle, self.now) for leaf in self.replicas)


@pytest.fixture
def running() -> World:
    """Installed, two replicas serving."""
    world = World()
    world.look()
    world.reload()
    world.steps.clear()
    return world


def test_from_nothing_one_look_makes_all() -> None:
    world = World()
    world.look()
    assert world.steps == [Step.ADD_AUTHORITY, Step.ISSUE_LEAF]
    world.reload()
    assert world.answers()
    assert world.look() is Step.NOTHING


def test_leaf_is_renewed_when_a_third_of_its_time_is_left(running: World) -> None:
    running.now = START + timedelta(days=59)
    assert running.look() is Step.NOTHING
    assert running.steps == []
    running.now = START + timedelta(days=61)
    running.look()
    assert running.steps == [Step.ISSUE_LEAF]
    running.reload()
    assert running.answers()


def test_rotation_of_the_authority_is_trusted_at_every_moment(running: World) -> None:
    running.now = START + timedelta(days=200)
    running.look()
    running.reload()
    assert running.steps == [Step.ISSUE_LEAF]  # it outlives what is left of the authority's time
    running.steps.clear()
    running.now = START + timedelta(days=244)
    while Step.ISSUE_LEAF not in running.steps:
        assert running.answers()
        running.look()
        assert running.answers()
        running.now += timedelta(seconds=1)
    assert running.now - START == timedelta(days=244) + TIMES.settling + timedelta(seconds=1)
    running.reload(1)  # the second replica is slower
    assert running.answers()
    assert running.look() is Step.NOTHING
    assert len(running.bundle) == 2
    running.reload(2)
    running.look()
    assert running.answers()
    assert running.steps == [Step.ADD_AUTHORITY, Step.ISSUE_LEAF, Step.DROP_OLD_AUTHORITIES]
    assert len(running.held.authorities) == len(running.bundle) == 1


def test_new_leaf_waits_until_api_servers_had_time_to_hear_of_its_authority(running: World) -> None:
    running.held = replace(running.held, key=None)
    running.look()
    assert running.steps == [Step.ADD_AUTHORITY]
    running.now += TIMES.settling - timedelta(seconds=1)
    running.look()
    assert running.steps == [Step.ADD_AUTHORITY]
    running.now += timedelta(seconds=1)
    running.look()
    assert running.steps[:2] == [Step.ADD_AUTHORITY, Step.ISSUE_LEAF]


def test_secret_that_was_deleted_does_not_cut_off_replicas_that_serve_its_leaf(running: World) -> None:
    old = running.bundle[0]
    running.held = Held()
    running.look()
    assert running.steps == [Step.ADD_AUTHORITY]
    assert old in running.bundle
    assert running.answers()
    running.now += TIMES.settling
    running.look()
    running.reload()
    running.look()
    assert running.answers()
    assert old not in running.bundle


def test_replica_that_cannot_be_asked_keeps_the_old_authority(running: World) -> None:
    running.held = replace(running.held, key=None)
    running.look()
    running.now += TIMES.settling
    running.look()
    assert running.held.leaf is not None
    running.replicas = [running.held.leaf.certificate, None]
    assert running.look() is Step.NOTHING
    assert len(running.bundle) == 2


def test_expired_leaf_is_replaced_at_once(running: World) -> None:
    running.now = START + timedelta(days=91)
    running.look()
    assert running.steps == [Step.ISSUE_LEAF]


def test_after_a_year_of_sleep_all_is_new_at_once(running: World) -> None:
    running.now = START + timedelta(days=400)
    running.look()
    assert running.steps == [Step.ADD_AUTHORITY, Step.ISSUE_LEAF]
    running.reload()
    assert running.answers()
    assert len(running.bundle) == 1


def test_leaf_for_another_name_is_replaced(running: World) -> None:
    running.now += timedelta(minutes=1)
    assert next_step(running.seen(), ("other.shop.svc",), TIMES, running.now) is Step.ISSUE_LEAF


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"ca.crt": "%%%"},
        {"ca.crt": base64.b64encode(b"no certificate").decode()},
        {"ca.key": "", "tls.key": "AAAA"},
        {"tls.crt": base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()},
    ],
)
def test_damaged_secret_is_made_anew(running: World, damage: dict[str, str]) -> None:
    data = {**data_of(running.held), **damage} if damage else {}
    running.held = held_in(data)
    for _ in range(3):
        running.look()
        running.now += TIMES.settling
    running.reload()
    running.look()
    assert running.answers()
    assert next_step(running.seen(), HOSTS, TIMES, running.now) is Step.NOTHING


def test_secret_and_bundle_read_back_as_written(running: World) -> None:
    again = held_in(data_of(running.held))
    assert again.authorities == running.held.authorities
    assert again.leaf is not None
    assert running.held.leaf is not None
    assert again.leaf.certificate == running.held.leaf.certificate
    assert bundle_in(bundle_of(running.bundle)) == running.bundle
