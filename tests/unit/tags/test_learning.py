from dataclasses import replace

import pytest

from gateway.model import Window
from gateway.tags.blocks import choose_blocks
from gateway.tags.calibration import Calibration
from gateway.tags.health import Fault
from gateway.tags.learning import MOST_CHANGE_DB, learn
from gateway.tags.propagation import Radio
from tests.unit.tags.nights import DIRECTORY, Air, windows_of
from tests.unit.tags.places import road

ROAD = road(length_m=200.0, poles=6)
SPOTS = {receiver.id: receiver.xy for receiver in ROAD.receivers}
GAINS_DB = {"r0": 6.0, "r1": -5.0, "r2": 0.0, "r3": 5.0, "r4": -6.0, "r5": 1.0}
RADIOS = {name: Radio(power_dbm=-56.0 + gain) for name, gain in GAINS_DB.items()}
BROKEN = Air(ROAD, RADIOS, at={"r1": "r4", "r4": "r1"}, dead=frozenset({"r2"}))
OFFSETS_DB = {"ann": 0.0, "ben": -4.0}


def day(air: Air, seed: int = 1, seconds: int = 900) -> list[Window]:
    return windows_of(air, seed=seed, seconds=seconds, offsets_db=OFFSETS_DB)


def learned(air: Air, previous: Calibration | None = None, seed: int = 1) -> Calibration:
    found = learn(ROAD, DIRECTORY, day(air, seed), previous=previous)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def first() -> Calibration:
    return learned(Air(ROAD, RADIOS))


def test_gains_are_learned_from_walks_that_nobody_labelled(first: Calibration) -> None:
    assert first.accepted
    assert first.after > first.before
    found = {
        name: radio.power_dbm - 10 * radio.exponent * 1.6 for name, radio in first.radios.items()
    }
    middle = sum(found.values()) / len(found)
    for name, gain in GAINS_DB.items():
        assert found[name] - middle == pytest.approx(gain, abs=2.5), name


def test_a_healthy_road_needs_no_technician(first: Calibration) -> None:
    assert first.verdicts == ()
    assert first.left_out == ()
    assert first.corrections == {}


@pytest.fixture(scope="module")
def patched() -> Calibration:
    return learned(BROKEN)


def test_swapped_and_dead_receivers_are_named_and_put_right(patched: Calibration) -> None:
    verdicts = {verdict.receiver: verdict.fault for verdict in patched.verdicts}
    assert verdicts == {"r1": Fault.SWAPPED, "r4": Fault.SWAPPED, "r2": Fault.DEAD}
    assert patched.left_out == ("r2",)
    placed = {receiver.id: receiver.xy for receiver in patched.corrected(ROAD).receivers}
    assert (placed["r1"], placed["r4"]) == (SPOTS["r4"], SPOTS["r1"])


def test_what_is_wrong_is_told_until_it_is_mended(patched: Calibration) -> None:
    again = learned(BROKEN, patched, seed=2)
    assert {verdict.receiver for verdict in again.verdicts} == {"r1", "r2", "r4"}
    assert again.corrections.keys() == {"r1", "r4"}
    mended = learned(Air(ROAD, RADIOS), again, seed=3)
    assert mended.corrections == {}
    assert mended.left_out == ()
    assert mended.verdicts == ()


def test_a_change_that_predicts_worse_is_not_kept(first: Calibration) -> None:
    tried = learn(ROAD, DIRECTORY, misleading(Air(ROAD, RADIOS)), previous=first)
    assert tried is not None
    assert tried.after < tried.before
    assert not tried.accepted
    assert tried.beliefs == first.beliefs
    assert tried.at > 1_000


def test_a_dead_receiver_is_left_out_also_where_the_change_is_not_kept(first: Calibration) -> None:
    ill = misleading(Air(ROAD, RADIOS, dead=frozenset({"r2"})))
    tried = learn(ROAD, DIRECTORY, ill, previous=first)
    assert tried is not None
    assert not tried.accepted
    assert (tried.beliefs, tried.corrections) == (first.beliefs, first.corrections)
    assert tried.left_out == ("r2",)
    assert [(verdict.receiver, verdict.fault) for verdict in tried.verdicts] == [("r2", Fault.DEAD)]
    assert not tried.tunes_as(first)


def misleading(air: Air) -> list[Window]:
    """A day of which what is held back is as `air` is, and the rest is not."""
    windows = day(air, seed=4)
    radios = {**air.radios, "r1": Radio(power_dbm=-40.0), "r4": Radio(power_dbm=-75.0)}
    odd = day(replace(air, radios=radios), seed=4)
    blocks = choose_blocks(windows, DIRECTORY, frozenset(SPOTS))
    held_back = [block for block in blocks if block.held_back]
    return [
        true if any(one.since <= true.second <= one.until for one in held_back) else false
        for true, false in zip(windows, odd, strict=True)
    ]


def test_a_day_changes_a_calibrated_receiver_by_so_much_and_no_more(first: Calibration) -> None:
    louder = {**RADIOS, "r3": replace(RADIOS["r3"], power_dbm=-35.0)}
    second = learned(Air(ROAD, louder), first, seed=5)
    reach = 10 * 1.6021
    change = [
        radios["r3"].power_dbm - reach * radios["r3"].exponent
        for radios in (first.radios, second.radios)
    ]
    assert second.accepted
    assert change[1] - change[0] == pytest.approx(MOST_CHANGE_DB, abs=0.3)


def test_too_little_says_nothing() -> None:
    assert learn(ROAD, DIRECTORY, []) is None
    assert learn(replace(ROAD, receivers=()), DIRECTORY, day(Air(ROAD), seconds=60)) is None
    assert learn(ROAD, DIRECTORY, day(Air(ROAD), seconds=60)) is None
