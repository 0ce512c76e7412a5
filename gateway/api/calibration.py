"""What a technician is told of calibrations; places are WGS84 degrees, levels dBm at 1 m."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from gateway.site import Points
from gateway.store.calibrations import CalibrationState, Summary
from gateway.tags.calibration import Calibration
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault

ToLonLat = Callable[[Points], Points]


@dataclass(frozen=True, slots=True)
class CalibrationStep:
    """One step of a calibration's life; `by` is a login, or empty for the hub itself."""

    state: CalibrationState
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class CalibrationShape:
    """What was learned at `learned_at`, `upon` another calibration or (null) the site's file.

    `before` and `after` say how well what was held back is predicted without and with the change,
    in nats a second: more is better. The radios and places are changed only if it is `accepted`;
    who is left out, in any case.
    """

    id: int
    learned_at: float
    upon: int | None
    before: float
    after: float
    accepted: bool
    in_force: bool
    life: tuple[CalibrationStep, ...]


@dataclass(frozen=True, slots=True)
class ReceiverShape:
    """What is believed of a receiver's radio; a receiver that is `left_out` is not listened to.

    What says nothing of its radio is null: it is taken for the usual one. `lon` and `lat` are where
    it really stands, and null where that is as the site says.
    """

    receiver: str
    power_dbm: float | None
    power_sd_db: float | None
    exponent: float | None
    exponent_sd: float | None
    threshold_dbm: float | None
    detection: float | None
    left_out: bool
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class FaultShape:
    """A receiver that somebody must see to; `nats` say how sure that is.

    `other` is whom it is swapped with; `lon` and `lat` are where it seems to stand, if known.
    """

    receiver: str
    fault: Fault
    nats: float
    other: str | None
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class CalibrationDetail:
    """A calibration, and what it says."""

    calibration: CalibrationShape
    receivers: tuple[ReceiverShape, ...]
    faults: tuple[FaultShape, ...]


@dataclass(frozen=True, slots=True)
class UndoneShape:
    """What was undone, and what is in force instead (null: the site's file alone)."""

    undone: int
    in_force: int | None


def calibration_shape(summary: Summary) -> CalibrationShape:
    """`summary` as it is told."""
    return msgspec.convert(summary, CalibrationShape, from_attributes=True)


def calibration_detail(
    summary: Summary, said: Calibration, to_lonlat: ToLonLat
) -> CalibrationDetail:
    """A calibration whole."""
    return CalibrationDetail(
        calibration_shape(summary),
        tuple(_receivers(said, to_lonlat)),
        tuple(
            FaultShape(
                one.receiver,
                one.fault,
                one.nats,
                one.other or None,
                *_degrees(one.place, to_lonlat),
            )
            for one in said.verdicts
        ),
    )


def _receivers(said: Calibration, to_lonlat: ToLonLat) -> Iterator[ReceiverShape]:
    for receiver in sorted({*said.beliefs, *said.left_out}):
        known = said.corrections.get(receiver)
        lon, lat = _degrees(known and known.actual, to_lonlat)
        left_out = receiver in said.left_out
        shape = ReceiverShape(receiver, None, None, None, None, None, None, left_out, lon, lat)
        belief = said.beliefs.get(receiver)
        yield shape if belief is None else _with_radio(shape, belief)


def _with_radio(shape: ReceiverShape, belief: Belief) -> ReceiverShape:
    return replace(
        shape,
        power_dbm=round(belief.radio.power_dbm, 1),
        power_sd_db=round(belief.level_sd_db, 1),
        exponent=round(belief.radio.exponent, 2),
        exponent_sd=round(belief.exponent_sd, 2),
        threshold_dbm=belief.radio.threshold_dbm,
        detection=belief.radio.detection,
    )


def _degrees(
    place: tuple[float, float] | None, to_lonlat: ToLonLat
) -> tuple[float | None, float | None]:
    if place is None:
        return None, None
    ((lon, lat),) = to_lonlat(np.array([place])).round(7).tolist()
    return lon, lat
