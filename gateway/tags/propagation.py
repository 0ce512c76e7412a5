"""What RSSI says about distance: the level expected at a place.

Log-distance path loss on the straight 3-D line. Constants are those measured on streets and in
rooms: exponents 1.9 to 2.6, gains that differ by 3 to 5 dB between receivers of one make, four
packets of five detected near a receiver.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.site import Points, Receiver
from gateway.tags.weighing import NEAREST_M, TAG_HEIGHT_M

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Radio:
    """One receiver's propagation: what calibration learns, and what is assumed until then.

    `power_dbm` is the mean level of the usual tag at one metre, known to `power_sd_db`. A receiver
    gets `detection` of the packets that arrive well above `threshold_dbm`.
    """

    power_dbm: float = -59.0
    exponent: float = 2.2
    power_sd_db: float = 5.0
    threshold_dbm: float = -97.0
    detection: float = 0.8


def expected_dbm(receivers: Sequence[Receiver], radios: Sequence[Radio], points: Points) -> Floats:
    """Mean level (n, r), dBm, of the usual tag carried at `points` (n, 2), metres."""
    antennas = antennas_of(receivers)
    east = points[:, :1] - antennas[:, 0]
    north = points[:, 1:] - antennas[:, 1]
    square = east**2 + north**2 + (antennas[:, 2] - TAG_HEIGHT_M) ** 2
    power = np.array([radio.power_dbm for radio in radios])
    exponent = np.array([radio.exponent for radio in radios])
    return np.asarray(power - 5 * exponent * np.log10(np.maximum(square, NEAREST_M**2)))


def antennas_of(receivers: Sequence[Receiver]) -> Floats:
    """Where receivers hang (r, 3): east, north and height, metres."""
    return np.array([(*receiver.xy, receiver.height_m) for receiver in receivers]).reshape(-1, 3)
