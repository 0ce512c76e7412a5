"""Tags heard where they cannot be."""

from dataclasses import replace
from itertools import count
from math import log10

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Doubt, Reading, Suspicion, TagIdentifier, Window
from gateway.site import Receiver
from gateway.tags.suspicion import FASTEST_M_S, TOLD_EVERY_S, Watch, reach_m

SECOND = 1_800_000_000
PLACES = {f"r-{k:02d}": (100.0 * k, 0.0) for k in range(12)}
RECEIVERS = [Receiver(one, xy, 4.0, "gw-01", None) for one, xy in PLACES.items()]
TAGS = {"eid:00": TagIdentifier("eid:00", "t-1", button=False)}
NEAR_DBM = -55.0  # within 18 m


def window(second: int, heard: dict[str, float], identifier: str = "eid:00") -> Window:
    readings = (
        Reading(receiver, identifier, dbm, round(dbm), 1) for receiver, dbm in heard.items()
    )
    return Window(second, tuple(PLACES), tuple(readings))


def watched(*seconds: dict[str, float], every_s: int = 1) -> list[Suspicion]:
    """What a watch says of seconds that follow each other."""
    watch = Watch(RECEIVERS)
    times = count(SECOND, every_s)
    return [
        one
        for second, heard in zip(times, seconds, strict=False)
        for one in watch.step(second, [window(second, heard)], TAGS.get)
    ]


def test_a_tag_that_two_far_receivers_hear_well_is_in_two_places() -> None:
    both = {"r-00": NEAR_DBM, "r-05": NEAR_DBM}
    (found,) = watched(both, both, both)
    assert found == Suspicion(SECOND + 2.0, "t-1", Doubt.TWO_PLACES, ("r-00", "r-05"))


def test_a_single_such_second_is_a_slip() -> None:
    here = {"r-00": NEAR_DBM}
    assert watched(here, here, {**here, "r-05": NEAR_DBM}, here, here) == []


def test_it_is_told_again_while_it_goes_on_but_not_every_second() -> None:
    both = {"r-00": NEAR_DBM, "r-05": NEAR_DBM}
    found = watched(*[both] * (2 * TOLD_EVERY_S + 2))
    assert [one.at - SECOND for one in found] == [2.0, 2.0 + TOLD_EVERY_S, 2.0 + 2 * TOLD_EVERY_S]


def test_a_tag_that_jumps_faster_than_anything_drives_is_told() -> None:
    here, there = {"r-00": NEAR_DBM}, {"r-11": NEAR_DBM}
    (found,) = watched(here, here, there, there, every_s=8)
    assert (found.doubt, found.receivers) == (Doubt.IMPOSSIBLE_SPEED, ("r-00", "r-11"))


def test_clocks_of_two_gateways_may_differ_by_some_seconds() -> None:
    """A bus at 54 km/h, and the second gateway is ten seconds behind."""
    watch = Watch([replace(one, gateway=f"gw-{one.id}") for one in RECEIVERS])
    heard = {"r-00": NEAR_DBM, "r-03": NEAR_DBM}
    found = [
        one
        for second in range(SECOND, SECOND + 5)
        for one in watch.step(second, [window(second, heard)], TAGS.get)
    ]
    assert found == []
    assert watched(heard, heard, heard) != []


def test_weak_readings_say_nothing_and_neither_do_neighbours() -> None:
    far = {"r-00": -80.0, "r-11": -80.0}
    assert watched(far, far, far) == []
    beside = {"r-00": NEAR_DBM, "r-01": NEAR_DBM}
    assert watched(beside, beside, beside) == []


def test_identifiers_of_one_tag_are_one_and_strangers_are_nobody() -> None:
    watch = Watch(RECEIVERS)
    known = {**TAGS, "eid:01": TagIdentifier("eid:01", "t-1", button=False)}
    found = [
        one
        for second in range(SECOND, SECOND + 3)
        for one in watch.step(
            second,
            [
                window(second, {"r-00": NEAR_DBM}, "eid:00"),
                window(second, {"r-05": NEAR_DBM}, "eid:01"),
                window(second, {"r-09": NEAR_DBM}, "eid:99"),
            ],
            known.get,
        )
    ]
    assert [one.receivers for one in found] == [("r-00", "r-05")]


def test_receivers_that_the_site_does_not_know_are_left_out() -> None:
    both = {"r-00": NEAR_DBM, "r-unknown": NEAR_DBM}
    assert watched(both, both, both) == []


def test_seconds_that_are_stepped_again_are_no_return_from_the_future() -> None:
    watch = Watch(RECEIVERS)
    for second in (SECOND, SECOND + 1):
        assert watch.step(second, [window(second, {"r-00": NEAR_DBM})], TAGS.get) == ()
    for second in (SECOND, SECOND + 1, SECOND + 2):
        assert watch.step(second, [window(second, {"r-09": NEAR_DBM})], TAGS.get) == ()


@given(
    speed_m_s=st.floats(0.0, 0.9 * FASTEST_M_S),
    levels_db=st.lists(st.floats(0.0, 45.0), min_size=60, max_size=60),
)
def test_nothing_that_drives_past_is_ever_suspected(
    speed_m_s: float, levels_db: list[float]
) -> None:
    """Whatever walls and bodies take away: readings are free space at the most."""
    seconds = []
    for k, lost_db in enumerate(levels_db):
        east_m = speed_m_s * k
        heard = {}
        for receiver, (x, _) in PLACES.items():
            away_m = max(abs(x - east_m), 3.0)
            heard[receiver] = -30.0 - 20.0 * log10(away_m) - lost_db
        seconds.append(heard)
    assert watched(*seconds) == []


def test_the_reach_grows_tenfold_with_twenty_decibels() -> None:
    assert reach_m(-30.0) == 1.0
    assert round(reach_m(-50.0), 6) == 10.0
    assert round(reach_m(-70.0), 6) == 100.0
