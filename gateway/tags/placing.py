"""Where a receiver really stands, judged by what it hears: poles are mixed up, boxes are moved.

For every spot that it might stand at, its radio is fitted anew, and the spots are compared by how
well they then explain what it got and missed.
"""

from dataclasses import dataclass, replace

import numpy as np

from gateway.site import Points, Receiver
from gateway.tags.arriving import detectable, detectable_slope
from gateway.tags.evidence import Evidence
from gateway.tags.fitting import (
    FAR_M,
    HUBER_SDS,
    MOST_MISSED,
    SHARED_BY_PACKETS,
    TEMPER,
    Belief,
    log10_distance,
)
from gateway.tags.propagation import Floats

LEAST_HEARD = 30
MOST_ROWS = 500
STEPS = 5
COARSE = 3.0  # steps of the coarse search in one pivot
FINE = 12.0
BESIDE = 0.75  # pivots around the places where it was heard best


@dataclass(frozen=True, slots=True)
class Search:
    """Log likelihoods, nats: `stated` where the receiver is said to stand, `best` at `place`.

    `spread_m` says how well the place is known.
    """

    stated: float
    best: float
    place: tuple[float, float]
    spread_m: float


class Placing:
    """The seconds that tell where one receiver stands."""

    def __init__(
        self,
        evidence: Evidence,
        receiver: Receiver,
        prior: Belief,
        *,
        offsets_db: Floats,
        pivot_m: float,
        packet_sd_db: float,
    ) -> None:
        """`prior` is of a usual receiver of the site, `offsets_db` (tags,) of the tags.

        The receiver must have heard something: what it missed after the last of it is not told by
        its place.
        """
        self._receiver, self._prior, self._pivot_m = receiver, prior, pivot_m
        hearings = evidence.hearings[receiver.id]
        dbm, packets = np.zeros(len(evidence.tag)), np.zeros(len(evidence.tag))
        dbm[hearings.rows], packets[hearings.rows] = hearings.dbm, hearings.packets
        middle = evidence.middle
        self._loud = _loudest(middle, dbm, packets)
        near = np.zeros(len(middle), dtype=bool)
        for spot in (np.array(receiver.xy), self._loud.mean(axis=0)):
            near |= np.hypot(*(middle - spot).T) < FAR_M
        near[evidence.absent[receiver.id]] = False
        alive = evidence.second <= evidence.second[hearings.rows].max()
        rows = np.flatnonzero((near | (packets > 0)) & alive)
        every = max(1, -(-len(rows) // MOST_ROWS))
        rows = rows[::every]
        self._weight = every * TEMPER
        self._points = evidence.points[rows]
        self._dbm, self._packets = dbm[rows], packets[rows]
        missed = np.where(near, np.clip(evidence.sent - packets, 0, MOST_MISSED), 0.0)
        self._missed = missed[rows]
        self._offset = offsets_db[evidence.tag[rows]]
        share = SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / np.maximum(self._packets, 1)
        self._variance = packet_sd_db**2 * share

    def search(self, others: Points) -> Search:
        """Compare the stated spot, the `others` (k, 2), and all spots around."""
        stated = np.array([self._receiver.xy])
        coarse = self._around(self._loud, self._pivot_m / COARSE, BESIDE * self._pivot_m)
        spots = np.concatenate([stated, others, coarse])
        log = self._log_likelihood(spots)
        best = spots[[int(log.argmax())]]
        fine = self._around(best, self._pivot_m / FINE, self._pivot_m / COARSE)
        fine_log = self._log_likelihood(fine)
        spots, every = np.concatenate([spots, fine]), np.concatenate([log, fine_log])
        likely = np.exp(fine_log - fine_log.max())
        likely /= likely.sum()
        around = ((fine - likely @ fine) ** 2).sum(axis=1)
        place = spots[int(every.argmax())]
        return Search(
            stated=float(log[0]),
            best=float(every.max()),
            place=(float(place[0]), float(place[1])),
            spread_m=float(np.sqrt(likely @ around)),
        )

    def _around(self, points: Points, step_m: float, reach_m: float) -> Points:
        low, high = points.min(axis=0) - reach_m, points.max(axis=0) + reach_m
        axes = (np.arange(a, b + step_m / 2, step_m) for a, b in zip(low, high, strict=True))
        spots = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        nearest = np.array([np.hypot(*(points - spot).T).min() for spot in spots])
        return spots[nearest <= 1.5 * reach_m]

    def _log_likelihood(self, spots: Points) -> Floats:
        """Of what was got and missed (k,), were the receiver at `spots` (k, 2)."""
        radio = self._prior.radio
        precision = np.array([self._prior.level_sd_db, self._prior.exponent_sd]) ** -2.0
        log10_pivot = np.log10(self._pivot_m)
        usual = np.array([radio.power_dbm - 10 * radio.exponent * log10_pivot, radio.exponent])
        lever = -10 * (self._log10_distances(spots) - log10_pivot)
        found = np.tile(usual, (len(spots), 1))
        for _ in range(STEPS):
            expected = found[:, :1] + found[:, 1:] * lever + self._offset
            pull, weight = self._pull(expected)
            prior_pull = precision * (usual - found)
            slope = np.stack([pull.sum(axis=1), (pull * lever).sum(axis=1)], axis=1) + prior_pull
            cross = (weight * lever).sum(axis=1)
            bend = np.empty((len(spots), 2, 2))
            bend[:, 0, 0] = weight.sum(axis=1) + precision[0]
            bend[:, 1, 1] = (weight * lever**2).sum(axis=1) + precision[1]
            bend[:, 0, 1] = bend[:, 1, 0] = cross
            found += np.linalg.solve(bend, slope[..., None])[..., 0]
        expected = found[:, :1] + found[:, 1:] * lever + self._offset
        unusual = 0.5 * (precision * (found - usual) ** 2).sum(axis=1)
        return np.asarray(self._log(expected) - unusual)

    def _log10_distances(self, spots: Points) -> Floats:
        """Mean log distance (k, m) of the believed places."""
        found = np.empty((len(spots), len(self._points)))
        for row, (east, north) in enumerate(spots.tolist()):
            there = replace(self._receiver, xy=(east, north))
            found[row] = log10_distance(self._points, there).mean(axis=1)
        return found

    def _pull(self, expected: Floats) -> tuple[Floats, Floats]:
        surprise = self._dbm - expected
        tame = HUBER_SDS * np.sqrt(self._variance) / np.maximum(abs(surprise), 1e-9)
        weight = (self._packets > 0) * np.minimum(1.0, tame) / self._variance
        radio = self._prior.radio
        above_db = expected - radio.threshold_dbm
        chance = radio.detection * detectable(above_db)
        miss = radio.detection * detectable_slope(above_db) / (1 - chance)
        pull = weight * surprise - self._missed * miss
        return pull * self._weight, (weight + self._missed * miss**2) * self._weight

    def _log(self, expected: Floats) -> Floats:
        scaled = abs(self._dbm - expected) / np.sqrt(self._variance)
        huber = np.where(
            scaled < HUBER_SDS, 0.5 * scaled**2, HUBER_SDS * (scaled - 0.5 * HUBER_SDS)
        )
        radio = self._prior.radio
        reached = detectable(expected - radio.threshold_dbm)
        missed = self._missed * np.log1p(-radio.detection * reached)
        heard = np.where(self._packets > 0, -huber, 0.0)
        return np.asarray((heard + missed).sum(axis=1) * self._weight)


def _loudest(middle: Points, dbm: Floats, packets: Floats) -> Points:
    """The places (q, 2) of the strongest tenth of what was heard."""
    heard = np.flatnonzero(packets > 0)
    count = max(LEAST_HEARD // 3, len(heard) // 10)
    return middle[heard[np.argsort(-dbm[heard], kind="stable")[:count]]]
