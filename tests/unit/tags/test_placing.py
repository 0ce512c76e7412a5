from dataclasses import replace

import numpy as np
import pytest

from gateway.tags.evidence import Evidence
from gateway.tags.fitting import Belief
from gateway.tags.placing import Placing, Search
from gateway.tags.propagation import Radio
from tests.unit.tags.nights import Air, evidence_of
from tests.unit.tags.places import road

ROAD = road(length_m=200.0, poles=6)
SPOTS = {receiver.id: receiver for receiver in ROAD.receivers}


def search(evidence: Evidence, receiver: str) -> Search:
    placing = Placing(
        evidence,
        SPOTS[receiver],
        Belief(Radio(), 4.0, 0.3),
        offsets_db=np.array([0.0, -6.0, 5.0]),
        pivot_m=40.0,
        packet_sd_db=7.0,
    )
    return placing.search(np.array([one.xy for one in ROAD.receivers]))


def test_a_receiver_at_its_place_is_found_there() -> None:
    found = search(evidence_of(Air(ROAD), seed=1), "r2")
    assert found.place[0] == pytest.approx(80.0, abs=6.0)
    assert found.best - found.stated < 3.0


def test_a_receiver_at_another_pole_is_found_at_that_one() -> None:
    found = search(evidence_of(Air(ROAD, at={"r1": "r4"}), seed=1), "r1")
    assert found.place[0] == pytest.approx(160.0, abs=8.0)
    assert found.best - found.stated > 50


def test_a_weak_receiver_does_not_seem_to_stand_elsewhere() -> None:
    weak = {"r2": Radio(power_dbm=-69.0)}
    found = search(evidence_of(Air(ROAD, weak), seed=1), "r2")
    assert found.place[0] == pytest.approx(80.0, abs=8.0)


def test_the_less_was_heard_the_less_is_known_of_the_place() -> None:
    much, little = (
        search(evidence_of(Air(ROAD), seed=2, seconds=seconds), "r2") for seconds in (900, 60)
    )
    assert 0 < much.spread_m < little.spread_m


def test_seconds_in_which_it_was_not_alive_are_no_misses() -> None:
    evidence = evidence_of(Air(ROAD), seed=3)
    half = evidence.second < 450
    absent = {**evidence.absent, "r2": np.flatnonzero(half)}
    hearings = dict(evidence.hearings)
    hearings["r2"] = hearings["r2"].among(~half, np.arange(len(half)))
    found = search(replace(evidence, absent=absent, hearings=hearings), "r2")
    assert found.best - found.stated < 3.0
