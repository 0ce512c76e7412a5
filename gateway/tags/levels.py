"""How strong this tag is at every receiver: learned while it is tracked, cell by cell.

A tag may be 8 dB weaker than assumed, a receiver 5 dB deafer than its neighbour, a wall in the way
for a minute, a body on one side of the tag. All of that and the place explain the same readings, so
what is believed of the levels hangs on the place: every cell carries its own means, as the readings
have another history there. The covariance is shared, for all cells hear the same readings. This is
the Rao-Blackwellised filter (Doucet et al., UAI 2000) with a grid in the place of particles.

`log_likelihood` is then that of the readings *given what was learned before*. Readings that repeat
a known deviation bring no news, so the belief does not grow overconfident as it would if every
second's shadowing were taken for a new draw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.surroundings import Surroundings

Floats = NDArray[np.float64]

OFFSET_SD_DB = 6.0  # a tag against the usual tag
OFFSET_DRIFT_DB = 0.05  # per square root of a second
SHADOW_MEMORY_S = 120.0  # how long a receiver's deviation lasts
FORGOTTEN_AFTER_S = 40  # unheard: it may be met again elsewhere
LEAN_MEMORY_S = 60.0  # how long a body stands on the same side
SHARED_BY_PACKETS = 0.25  # the part of that variance that more packets do not average out
PLAIN_SD_DB = 5.0
CLIP_SDS = 4.0  # beyond that a reading says no more

FIRST = 3  # columns before those of the receivers: offset, lean to the east, to the north


class Level(NamedTuple):
    """One second of one tag at one receiver."""

    mean_dbm: float
    packets: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a tag's levels wherever it is: kept while the tag is not tracked.

    `mean` (3 + r,) and `covariance` (3 + r, 3 + r), dB, have the columns of Levels.
    """

    receivers: tuple[str, ...]
    mean: Floats
    covariance: Floats


class Levels:
    """Means (cells, 3 + r) and covariance (3 + r, 3 + r), dB.

    The columns: the tag's offset; its lean, by how much it is stronger at receivers to the east and
    to the north of it (a body shades the other side); each receiver's deviation.
    """

    def __init__(
        self, *, cells: int, surroundings: Surroundings, sd_db: Callable[[str], float]
    ) -> None:
        """`sd_db` tells how well a receiver's power is known beforehand."""
        self._packet_variance = surroundings.packet_sd_db**2
        self._sd_db = sd_db
        self._columns: dict[str, int] = {}
        self._last_heard: dict[str, int] = {}
        self._prior = np.square([OFFSET_SD_DB, surroundings.lean_sd_db, surroundings.lean_sd_db])
        self._covariance = np.diag(self._prior)
        self.means = np.zeros((cells, FIRST))

    def begin_with(self, knowledge: Knowledge, *, second: int) -> None:
        """Start with what was known before, the same at every cell."""
        self._columns = {receiver: FIRST + k for k, receiver in enumerate(knowledge.receivers)}
        self._last_heard = dict.fromkeys(self._columns, second)
        receivers = np.square([self._sd_db(receiver) for receiver in self._columns])
        self._prior = np.concatenate([self._prior[:FIRST], receivers])
        self._covariance = knowledge.covariance
        self.means = np.tile(knowledge.mean, (len(self.means), 1))

    def known(self, mass: Floats) -> Knowledge:
        """What is left of it when the place is forgotten; `mass` (cells,) sums to 1."""
        mean = mass @ self.means
        apart = self.means - mean
        between = (apart * mass[:, None]).T @ apart
        return Knowledge(tuple(self._columns), mean, self._covariance + between)

    def drift(self, seconds: float) -> None:
        """Time passes: deviations return to what is usual, the offset grows less certain."""
        kept = np.exp(-seconds / SHADOW_MEMORY_S)
        fade = np.full(len(self._prior), kept)
        fade[0] = 1.0
        fade[1:FIRST] = np.exp(-seconds / LEAN_MEMORY_S)
        growth = self._prior * (1 - fade**2)
        room = max(self._prior[0] - self._covariance[0, 0], 0.0)
        growth[0] = min(OFFSET_DRIFT_DB**2 * seconds, room)
        self.means = self.means * fade
        self._covariance = self._covariance * np.outer(fade, fade) + np.diag(growth)

    def log_likelihood(
        self, second: int, heard: Mapping[str, Level], *, expected: Floats, directions: Floats
    ) -> Floats:
        """Log likelihood (cells,) of what was `heard`, and learn from it.

        In the order of `heard`: `expected` (cells, h) dBm, `directions` (h, 2) unit vectors from
        about where the tag is to the receivers.
        """
        self._make_room(second, heard)
        terms = self._terms(heard, directions)
        mean_dbm, packets = np.array(list(heard.values()), dtype=float).T
        noise = self._packet_variance * (SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / packets)
        cross = self._covariance @ terms.T
        spread = terms @ cross
        limit = CLIP_SDS * np.sqrt(np.diag(spread) + PLAIN_SD_DB**2)
        surprise = np.clip(mean_dbm - expected - self.means @ terms.T, -limit, limit)
        precision = np.linalg.inv(spread + np.diag(noise))
        weighed = surprise @ precision
        self.means = self.means + weighed @ cross.T
        self._covariance = self._covariance - cross @ precision @ cross.T
        return np.asarray(-0.5 * np.einsum("ch,ch->c", surprise, weighed))

    def above_usual_db(self, receivers: Sequence[str]) -> Floats:
        """How much stronger (cells, r) this tag is at `receivers` than the usual, by cell."""
        terms = np.zeros((len(receivers), len(self._prior)))
        terms[:, 0] = 1.0
        for row, receiver in enumerate(receivers):
            if receiver in self._columns:
                terms[row, self._columns[receiver]] = 1.0
        return np.asarray(self.means @ terms.T)

    def _terms(self, heard: Mapping[str, Level], directions: Floats) -> Floats:
        """Which columns (h, 3 + r), and how much of each, make up a receiver's deviation."""
        terms = np.zeros((len(heard), len(self._prior)))
        terms[:, 0] = 1.0
        terms[:, 1:FIRST] = directions
        terms[np.arange(len(heard)), [self._columns[receiver] for receiver in heard]] = 1.0
        return terms

    def _make_room(self, second: int, heard: Mapping[str, Level]) -> None:
        """A column for every receiver heard; none for those whose deviation has faded."""
        self._last_heard.update(dict.fromkeys(heard, second))
        gone = [r for r, at in self._last_heard.items() if second - at > FORGOTTEN_AFTER_S]
        kept = np.delete(np.arange(len(self._prior)), [self._columns[r] for r in gone])
        new = [receiver for receiver in heard if receiver not in self._columns]
        if not gone and not new:
            return
        for receiver in gone:
            del self._last_heard[receiver]
        names = [r for r in self._columns if r not in gone] + new
        self._columns = {receiver: FIRST + k for k, receiver in enumerate(names)}
        added = np.square([self._sd_db(receiver) for receiver in new])
        self._prior = np.concatenate([self._prior[kept], added])
        covariance = np.diag(self._prior)
        covariance[: len(kept), : len(kept)] = self._covariance[np.ix_(kept, kept)]
        self._covariance = covariance
        self.means = np.pad(self.means[:, kept], ((0, 0), (0, len(new))))
