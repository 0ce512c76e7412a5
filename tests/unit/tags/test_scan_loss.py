from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from random import Random

import pytest

from gateway.model import Advert
from gateway.tags.scan_loss import MOST_SENDERS, Losses

EDDYSTONE = {"feaa": b"\x00\xee"}
IBEACON = {0x004C: b"\x02\x15" + bytes(21)}
ALTBEACON = {0x0118: b"\xbe\xac" + bytes(22)}
PHONE = {0x004C: b"\x10\x05\x01"}

Heard = Iterable[tuple[float, Advert]]


def sender(
    number: int,
    *,
    every_s: float = 1.0,
    until: float = 300.0,
    heard: Callable[[], bool] = lambda: True,
    rssi: Callable[[float], int] = lambda _: -60,
    services: Mapping[str, bytes] | None = None,
    manufacturer: Mapping[int, bytes] | None = None,
    phase_s: float | None = None,
) -> Iterator[tuple[float, Advert]]:
    at = number * 0.01 if phase_s is None else phase_s
    while at < until:
        if heard():
            yield (
                at,
                Advert(
                    at=0.0,
                    receiver="pole-01",
                    address=f"C0:00:00:00:00:{number:02X}",
                    rssi_dbm=rssi(at),
                    manufacturer=manufacturer or {},
                    services=EDDYSTONE if services is None else services,
                ),
            )
        at += every_s


def behind_filter(sent: Heard) -> Iterator[tuple[float, Advert]]:
    """What a controller lets through that forgets the addresses every 10.24 s."""
    passed = -1
    for at, advert in sent:
        if at // 10.24 != passed:
            passed = at // 10.24
            yield at, advert


def judge(losses: Losses, *senders: Heard) -> list[tuple[float, bool]]:
    """Let it hear; returns when `losing` changed, and to what."""
    losses.restart(0.0)
    changes = []
    for at, advert in merge(*senders, key=lambda heard: heard[0]):
        losses.hear(advert, at)
        if losses.look(at):
            changes.append((round(at), losses.losing))
    return changes


@pytest.mark.parametrize(
    ("services", "manufacturer"), [(EDDYSTONE, {}), ({}, IBEACON), ({}, ALTBEACON)]
)
def test_a_controllers_duplicate_filter_is_found_out_within_the_first_minute(
    services: Mapping[str, bytes], manufacturer: Mapping[int, bytes]
) -> None:
    losses = Losses(tag_interval_s=1.0)
    tags = [
        behind_filter(sender(n, phase_s=0.1 * n, services=services, manufacturer=manufacturer))
        for n in range(10)
    ]
    assert judge(losses, *tags) == [(62, True)]
    assert losses.share == pytest.approx(0.1, abs=0.01)


def test_a_noisy_town_is_no_fault() -> None:
    random = Random(4)
    losses = Losses(tag_interval_s=1.0)
    near = [sender(n, heard=lambda: random.random() < 0.6) for n in range(4)]
    far = [
        sender(10 + n, heard=lambda: random.random() < 0.1, rssi=lambda _: -92) for n in range(40)
    ]
    phones = [
        sender(60 + n, every_s=9.0, services={}, manufacturer=PHONE, rssi=lambda _: -50)
        for n in range(40)
    ]
    assert judge(losses, *near, *far, *phones) == []
    assert losses.share is not None
    assert losses.share > 0.4


def test_three_senders_prove_nothing() -> None:
    losses = Losses(tag_interval_s=1.0)
    assert judge(losses, *[behind_filter(sender(n)) for n in range(3)]) == []
    assert losses.share is None


def test_a_few_slow_beacons_among_good_tags_prove_nothing() -> None:
    losses = Losses(tag_interval_s=1.0)
    slow = [sender(n, every_s=10.0) for n in range(3)]
    good = [sender(10 + n) for n in range(4)]
    assert judge(losses, *slow, *good) == []


def test_tags_that_walk_by_are_not_counted() -> None:
    losses = Losses(tag_interval_s=1.0)
    passing = [sender(n, every_s=8.0, until=20.0) for n in range(10)]
    leaving = [sender(20 + n, every_s=8.0, rssi=lambda at: -70 - round(at / 2)) for n in range(10)]
    assert judge(losses, *passing, *leaving) == []


@pytest.mark.parametrize("resting", [4, 5, 12, 30])
def test_tags_at_rest_are_no_fault(resting: int) -> None:
    random = Random(resting)
    losses = Losses(tag_interval_s=1.0)
    tags = [
        sender(n, every_s=random.uniform(9.9, 10.1), phase_s=random.uniform(0.0, 10.0))
        for n in range(resting)
    ]
    assert judge(losses, *tags) == []
    assert losses.share is not None
    assert losses.share < 0.25


def test_tags_that_begin_to_rest_end_what_was_told() -> None:
    random = Random(7)
    losses = Losses(tag_interval_s=1.0)
    moving = [behind_filter(sender(n, phase_s=0.2 * n, until=150.0)) for n in range(5)]
    at_rest = [sender(n, every_s=10.0, phase_s=150.0 + random.uniform(0.0, 10.0)) for n in range(5)]
    assert [losing for _, losing in judge(losses, *moving, *at_rest)] == [True, False]


def test_an_interval_of_five_seconds_is_known_by_the_setting() -> None:
    tags = [sender(n, every_s=5.0) for n in range(5)]
    losses = Losses(tag_interval_s=5.0)
    assert judge(losses, *tags) == []
    assert losses.share == pytest.approx(1.0, rel=0.01)


def test_what_was_lost_and_is_heard_again_is_over() -> None:
    losses = Losses(tag_interval_s=1.0)
    lost = [behind_filter(sender(n, phase_s=0.2 * n, until=150.0)) for n in range(5)]
    again = [((at + 150.0, advert) for at, advert in sender(n)) for n in range(5)]
    changes = judge(losses, *lost, *again)
    assert [losing for _, losing in changes] == [True, False]


def test_a_crowd_does_not_grow_its_memory() -> None:
    losses = Losses(tag_interval_s=1.0)
    losses.restart(0.0)
    most = 0
    for n in range(10_000):
        for at, advert in sender(n, until=n * 0.01 + 0.5):
            losses.hear(advert, at)
            losses.look(at)
            most = max(most, len(losses._senders))
    assert most == MOST_SENDERS
