from dataclasses import replace

import numpy as np
import pytest

from gateway.tags.evidence import Evidence
from gateway.tags.fitting import Belief, Fitting, looks_of, pivot_of
from gateway.tags.propagation import Radio
from tests.unit.tags.nights import Air, evidence_of
from tests.unit.tags.places import road

ROAD = road(length_m=200.0, poles=6)
TRUE = {
    "r0": Radio(power_dbm=-52.0, exponent=2.0),
    "r1": Radio(power_dbm=-64.0, exponent=2.4),
    "r2": Radio(power_dbm=-58.0, exponent=2.2, threshold_dbm=-90.0),
    "r3": Radio(power_dbm=-61.0, exponent=2.2, detection=0.5),
    "r4": Radio(power_dbm=-55.0, exponent=1.9),
    "r5": Radio(power_dbm=-54.0, exponent=2.4),
}


def fitting_of(evidence: Evidence, prior: Radio | None = None) -> Fitting:
    beliefs = {name: Belief(prior or Radio(), 4.0, 0.3) for name in TRUE}
    return Fitting(
        {receiver.id: looks_of(evidence, receiver) for receiver in ROAD.receivers},
        beliefs,
        tags=evidence.tags,
        pivot_m=pivot_of(ROAD.receivers),
        packet_sd_db=5.0,
        common_sd_db=10.0,
    )


def level_at(radio: Radio, distance_m: float) -> float:
    return radio.power_dbm - 10 * radio.exponent * float(np.log10(distance_m))


@pytest.fixture(scope="module")
def fitted() -> Fitting:
    fitting = fitting_of(evidence_of(Air(ROAD, TRUE), seed=1, seconds=1500))
    fitting.run()
    return fitting


def test_the_pivot_is_the_distance_of_neighbours() -> None:
    assert pivot_of(ROAD.receivers) == pytest.approx(40.0)
    assert pivot_of(ROAD.receivers[:1]) == 20.0


def test_levels_and_exponents_are_found(fitted: Fitting) -> None:
    for name, true in TRUE.items():
        radio = fitted.radios[name]
        assert level_at(radio, 40) == pytest.approx(level_at(true, 40), abs=2.0), name
        assert radio.exponent == pytest.approx(true.exponent, abs=0.25), name


def test_a_deaf_edge_and_lost_packets_are_found(fitted: Fitting) -> None:
    thresholds = {name: radio.threshold_dbm for name, radio in fitted.radios.items()}
    detections = {name: radio.detection for name, radio in fitted.radios.items()}
    assert max(thresholds, key=lambda name: thresholds[name]) == "r2"
    assert min(detections, key=lambda name: detections[name]) == "r3"
    assert detections["r3"] == pytest.approx(0.5, abs=0.1)


def test_offsets_are_the_tags_and_not_the_receivers(fitted: Fitting) -> None:
    assert fitted.offsets_db - fitted.offsets_db[0] == pytest.approx([0, -6, 5], abs=1.5)


def test_the_belief_tells_how_well_it_is_known(fitted: Fitting) -> None:
    few = fitting_of(evidence_of(Air(ROAD, TRUE), seed=1, seconds=60))
    few.run()
    for name in TRUE:
        known, vague = fitted.beliefs[name], few.beliefs[name]
        assert known.level_sd_db < vague.level_sd_db < 4.0
        assert known.exponent_sd < vague.exponent_sd < 0.3


def test_without_the_misses_the_exponent_comes_out_too_small() -> None:
    weak = {name: replace(radio, power_dbm=-72.0, exponent=2.4) for name, radio in TRUE.items()}
    evidence = evidence_of(Air(ROAD, weak), seed=2, seconds=1500)
    censored = fitting_of(evidence)
    everything = [np.arange(len(evidence.tag))] * len(weak)
    heard_only = fitting_of(replace(evidence, absent=dict(zip(weak, everything, strict=True))))
    for fitting in (censored, heard_only):
        fitting.run()
    means = [
        np.mean([radio.exponent for radio in fitting.radios.values()])
        for fitting in (censored, heard_only)
    ]
    assert means[0] == pytest.approx(2.4, abs=0.15)
    assert means[1] < means[0] - 0.15


def test_a_site_may_be_louder_than_the_constants_as_a_whole() -> None:
    louder = {name: replace(radio, power_dbm=radio.power_dbm + 15) for name, radio in TRUE.items()}
    fitting = fitting_of(evidence_of(Air(ROAD, louder), seed=3, offsets_db=(0.0, 0.0)))
    fitting.run()
    assert abs(fitting.offsets_db).max() < 5.0
    shifts = [level_at(radio, 40) - level_at(TRUE[n], 40) for n, radio in fitting.radios.items()]
    assert np.mean(shifts) == pytest.approx(15, abs=4)


def test_true_radios_score_best() -> None:
    evidence = evidence_of(Air(ROAD, TRUE), seed=4)
    true, generic = fitting_of(evidence), fitting_of(evidence)
    true.beliefs = {name: Belief(radio, 1.0, 0.1) for name, radio in TRUE.items()}
    assert true.score() > generic.score() + 100
