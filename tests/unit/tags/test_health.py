from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from gateway.tags import health
from gateway.tags.evidence import Evidence
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault, Verdict
from gateway.tags.placing import Search
from gateway.tags.propagation import Radio
from tests.unit.tags.nights import Air, evidence_of
from tests.unit.tags.places import road

ROAD = road(length_m=200.0, poles=6)
NAMES = [receiver.id for receiver in ROAD.receivers]
OFFSETS = np.array([0.0, -6.0, 5.0])
PIVOT_M = 40.0


def unheard(evidence: Evidence) -> list[Verdict]:
    return health.unheard(evidence, ROAD.receivers, dict.fromkeys(NAMES, Radio()), OFFSETS)


def searches(evidence: Evidence) -> Mapping[str, Search]:
    return health.searches(
        evidence,
        ROAD.receivers,
        Belief(Radio(), 4.0, 0.3),
        offsets_db=OFFSETS,
        pivot_m=PIVOT_M,
        packet_sd_db=7.0,
    )


def misplaced(evidence: Evidence) -> dict[str, Verdict]:
    found = health.misplaced(
        searches(evidence), ROAD.receivers, PIVOT_M, suspected=frozenset(NAMES)
    )
    return {verdict.receiver: verdict for verdict in found}


def test_nothing_is_wrong_with_a_healthy_road() -> None:
    evidence = evidence_of(Air(ROAD), seed=1)
    assert unheard(evidence) == []
    assert health.suspects(searches(evidence), ROAD.receivers, PIVOT_M) == set()
    assert misplaced(evidence) == {}


def test_a_receiver_that_is_alive_and_hears_nothing_is_dead() -> None:
    (verdict,) = unheard(evidence_of(Air(ROAD, dead=frozenset({"r3"})), seed=1))
    assert (verdict.receiver, verdict.fault) == ("r3", Fault.DEAD)


def test_a_receiver_that_no_gateway_tells_of_is_silent() -> None:
    (verdict,) = unheard(evidence_of(Air(ROAD, absent=frozenset({"r3"})), seed=1))
    assert (verdict.receiver, verdict.fault) == ("r3", Fault.SILENT)


def test_a_receiver_that_died_at_noon_is_dead() -> None:
    evidence = evidence_of(Air(ROAD), seed=1)
    morning = evidence.second < 450
    hearings = evidence.hearings["r3"].among(morning, np.arange(len(morning)))
    (verdict,) = unheard(replace(evidence, hearings={**evidence.hearings, "r3": hearings}))
    assert (verdict.receiver, verdict.fault) == ("r3", Fault.DEAD)


def test_a_receiver_that_nobody_passed_is_not_dead() -> None:
    evidence = evidence_of(Air(ROAD, dead=frozenset({"r5"})), seed=1, seconds=25)
    assert unheard(evidence) == []


def test_swapped_receivers_are_named_together_each_with_its_place() -> None:
    found = misplaced(evidence_of(Air(ROAD, at={"r1": "r4", "r4": "r1"}), seed=1))
    spots = {receiver.id: receiver.xy for receiver in ROAD.receivers}
    assert found.keys() == {"r1", "r4"}
    assert (found["r1"].fault, found["r1"].other, found["r1"].place) == (
        Fault.SWAPPED,
        "r4",
        spots["r4"],
    )
    assert (found["r4"].other, found["r4"].place) == ("r1", spots["r1"])


def test_a_receiver_that_was_carried_off_is_moved() -> None:
    (verdict,) = misplaced(evidence_of(Air(ROAD, at={"r1": "r4"}), seed=1)).values()
    assert (verdict.receiver, verdict.fault) == ("r1", Fault.MOVED)
    assert verdict.place is not None
    assert verdict.place[0] == pytest.approx(160.0, abs=8.0)


def test_whoever_is_stated_to_stand_where_a_suspect_seems_to_be_is_doubted_too() -> None:
    found = searches(evidence_of(Air(ROAD, at={"r1": "r4"}), seed=1))
    suspected = health.suspects(found, ROAD.receivers, PIVOT_M)
    assert suspected == {"r1"}
    beside = health.accomplices(found, ROAD.receivers, PIVOT_M, suspected=suspected)
    assert beside == {"r4"}


def test_one_that_was_not_suspected_itself_is_swapped_or_in_its_place() -> None:
    moved = searches(evidence_of(Air(ROAD, at={"r1": "r4"}), seed=1))
    swapped = searches(evidence_of(Air(ROAD, at={"r1": "r4", "r4": "r1"}), seed=1))
    for found, suspected, named in ((moved, {"r4"}, set()), (swapped, {"r4"}, {"r1", "r4"})):
        told = health.misplaced(found, ROAD.receivers, PIVOT_M, suspected=suspected)
        assert {verdict.receiver for verdict in told} == named


def test_a_receiver_far_below_the_others_is_deaf() -> None:
    beliefs = {name: Belief(Radio(), 1.0, 0.1) for name in NAMES}
    beliefs["r2"] = Belief(Radio(power_dbm=-76.0), 1.0, 0.1)
    (verdict,) = health.deaf(beliefs, heard=NAMES, pivot_m=PIVOT_M)
    assert (verdict.receiver, verdict.fault) == ("r2", Fault.DEAF)
    assert verdict.nats == 12.5  # 17 dB down, of which 5 are too many, each a deviation


def test_a_receiver_is_not_called_deaf_on_little_evidence() -> None:
    beliefs = {name: Belief(Radio(), 1.0, 0.1) for name in NAMES}
    beliefs["r2"] = Belief(Radio(power_dbm=-76.0), 3.5, 0.3)
    assert health.deaf(beliefs, heard=NAMES, pivot_m=PIVOT_M) == []
