"""What a technician is told of calibrations; places are WGS84 degrees, levels dBm at 1 m."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from gateway.site import Points
from gateway.store.calibrations import CalibrationState, Summary
from gateway.tags.calibration import Calibration
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
    in nats a second: more is better. The radios are changed only if it is `accepted`.
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

    `lon` and `lat` are where it really stands, and null where that is as the site says.
    """

    receiver: str
    power_dbm: float
    power_sd_db: float
    exponent: float
    exponent_sd: float
    threshold_dbm: float
    detection: float
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
    for receiver, belief in sorted(said.beliefs.items()):
        known = said.corrections.get(receiver)
        lon, lat = _degrees(known and known.actual, to_lonlat)
        yield ReceiverShape(
            receiver=receiver,
            power_dbm=round(belief.radio.power_dbm, 1),
            power_sd_db=round(belief.level_sd_db, 1),
            exponent=round(belief.radio.exponent, 2),
            exponent_sd=round(belief.exponent_sd, 2),
            threshold_dbm=belief.radio.threshold_dbm,
            detection=belief.radio.detection,
            left_out=receiver in said.left_out,
            lon=lon,
            lat=lat,
        )


def _degrees(
    place: tuple[float, float] | None, to_lonlat: ToLonLat
) -> tuple[float | None, float | None]:
    if place is None:
        return None, None
    ((lon, lat),) = to_lonlat(np.array([place])).round(7).tolist()
    return lon, lat
