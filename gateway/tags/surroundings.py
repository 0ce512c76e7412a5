"""What differs between a street and a room: how people walk, and what a body does to radio."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gateway.site import Receiver
from gateway.tags.propagation import Radio

CEILING_M = 3.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`walk_m_s` is the usual pace, `stop_per_s` and `start_per_s` the rates of stopping and of
    going on: who seldom goes on stays where he was found. `exit_per_s` is that of leaving by a
    way's end: a road goes on beyond the map, a corner of a room does not.

    `lean_sd_db` is how much stronger a tag usually is on one side than on the other: a body takes
    up to 22 dB from a pole behind it; in a room reflections go around it. `packet_sd_db` is the
    deviation of one packet, with what outlives a second and is not modelled. `radio` is assumed of
    receivers that were not calibrated.
    """

    walk_m_s: float
    stop_per_s: float
    start_per_s: float
    exit_per_s: float
    lean_sd_db: float
    packet_sd_db: float
    radio: Radio


STREET = Surroundings(
    walk_m_s=1.35,
    stop_per_s=0.01,
    start_per_s=0.05,
    exit_per_s=0.4,
    lean_sd_db=3.0,
    packet_sd_db=7.0,
    radio=Radio(),
)
ROOM = Surroundings(
    walk_m_s=0.7,
    stop_per_s=0.05,
    start_per_s=0.2,
    exit_per_s=0.02,
    lean_sd_db=0.5,
    packet_sd_db=5.5,
    radio=Radio(exponent=1.8),
)


def surroundings_of(receivers: Sequence[Receiver]) -> Surroundings:
    """Receivers on poles hang higher than those below a ceiling."""
    usual_m = median(receiver.height_m for receiver in receivers)
    return STREET if usual_m > CEILING_M else ROOM
