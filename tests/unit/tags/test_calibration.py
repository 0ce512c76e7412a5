import json
from dataclasses import replace

import msgspec
import pytest

from gateway.tags.calibration import Calibration, Correction
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault, Verdict
from gateway.tags.propagation import Radio
from tests.unit.tags.places import road

ROAD = road()
SPOTS = {receiver.id: receiver.xy for receiver in ROAD.receivers}
KNOWN = Calibration(
    at=1_770_000_000.0,
    beliefs={"r0": Belief(Radio(power_dbm=-55.5, exponent=2.0), 0.9, 0.15)},
    corrections={"r1": Correction(stated=SPOTS["r1"], actual=(70.0, 4.0))},
    left_out=("r3",),
    verdicts=(
        Verdict("r1", Fault.MOVED, 31.5, place=(70.0, 4.0)),
        Verdict("r3", Fault.DEAD, 12.0),
    ),
    before=-14.2,
    after=-13.9,
    accepted=True,
)


def test_a_calibration_survives_being_stored() -> None:
    stored = json.dumps(KNOWN.as_document())
    assert Calibration.from_document(json.loads(stored)) == KNOWN


def test_what_is_no_calibration_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        Calibration.from_document({"at": 1.0, "beliefs": {"r0": {"radio": "loud"}}})


def test_the_site_is_corrected_and_what_is_left_out_is_gone() -> None:
    receivers = {receiver.id: receiver.xy for receiver in KNOWN.corrected(ROAD).receivers}
    assert receivers == {**{n: SPOTS[n] for n in ("r0", "r2", "r4")}, "r1": (70.0, 4.0)}


def test_where_all_would_be_left_out_none_is() -> None:
    nobody = replace(KNOWN, left_out=tuple(SPOTS))
    receivers = {receiver.id: receiver.xy for receiver in nobody.corrected(ROAD).receivers}
    assert receivers == {**SPOTS, "r1": (70.0, 4.0)}


def test_a_tracker_is_tuned_by_radios_places_and_who_is_left_out() -> None:
    assert KNOWN.tunes_as(replace(KNOWN, at=1.0, verdicts=(), after=0.0, accepted=False))
    for other in (
        replace(KNOWN, beliefs={}),
        replace(KNOWN, corrections={}),
        replace(KNOWN, left_out=()),
    ):
        assert not KNOWN.tunes_as(other)


def test_a_correction_ends_when_the_site_itself_was_corrected() -> None:
    mended = road(length_m=160.0)
    receivers = {receiver.id: receiver.xy for receiver in KNOWN.corrected(mended).receivers}
    assert receivers["r1"] == (40.0, 3.0)


def test_a_calibrated_receiver_still_deviates_at_a_place_and_on_a_day() -> None:
    assert KNOWN.radios["r0"].power_dbm == -55.5
    assert 2.0 <= KNOWN.radios["r0"].power_sd_db < Radio().power_sd_db
