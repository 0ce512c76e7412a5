"""Each receiver's radio from levels at places that are only believed: one step of the calibration.

A receiver reports only what it could hear. So packets that others got count too, through the
probability to miss them (a censored likelihood): without them, far and weak looks stronger than it
is, and exponents come out too small. Deviations last for metres, so seconds are weighed down to
one independent look in some seconds; outliers count linearly (Huber).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.site import Points, Receiver
from gateway.tags.arriving import detectable, detectable_slope
from gateway.tags.evidence import EVERY_S, POINTS, Evidence, Indexes
from gateway.tags.levels import OFFSET_SD_DB
from gateway.tags.propagation import Floats, Radio, expected_dbm

LOOK_S = 6.0  # one look at a deviation that lasts
TEMPER = EVERY_S / LOOK_S
HUBER_SDS = 1.7
SHARED_BY_PACKETS = 0.25  # of a deviation: what more packets in a second do not average out
FAR_M = 150.0
MOST_MISSED = 3.0
SWEEPS = 10

THRESHOLD_SD_DB = 3.0
DETECTION_SD = 0.1
_THRESHOLDS_DBM = np.arange(-106.0, -79.0)
_DETECTIONS = np.round(np.arange(0.3, 0.96, 0.05), 2)

SCORED_SD_DB = 7.5
FREEDOM = 4.0  # of Student's t


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a receiver's radio: its level at the pivot and its exponent, with sd.

    The pivot is a usual distance: there the two are nearly independent.
    """

    radio: Radio
    level_sd_db: float
    exponent_sd: float


@dataclass(frozen=True, slots=True)
class Looks:
    """What one receiver got and missed, in m seconds of the evidence.

    `log10_m` (m, POINTS) are distances to the believed places; `dbm` (m,) counts where `packets`
    (m,) do; `missed` (m,) are packets that others got and this one, alive, did not.
    """

    tag: Indexes
    second: Indexes
    log10_m: Floats
    dbm: Floats
    packets: Floats
    missed: Floats


def looks_of(evidence: Evidence, receiver: Receiver, *, until: int | None = None) -> Looks:
    """What `receiver` got and missed, up to second `until`: misses only within FAR_M."""
    hearings = evidence.hearings[receiver.id]
    dbm, packets = np.zeros(len(evidence.tag)), np.zeros(len(evidence.tag))
    dbm[hearings.rows], packets[hearings.rows] = hearings.dbm, hearings.packets
    near = np.hypot(*(evidence.middle - np.array(receiver.xy)).T) < FAR_M
    near[evidence.absent[receiver.id]] = False
    chosen = near | (packets > 0)
    if until is not None:
        chosen &= evidence.second <= until
    missed = np.where(near, np.clip(evidence.sent - packets, 0, MOST_MISSED), 0.0)
    points = evidence.points[chosen]
    return Looks(
        tag=evidence.tag[chosen],
        second=evidence.second[chosen],
        log10_m=log10_distance(points, receiver),
        dbm=dbm[chosen],
        packets=packets[chosen],
        missed=missed[chosen],
    )


def log10_distance(points: Points, receiver: Receiver) -> Floats:
    """Of `points` (…, 2) from an antenna, on the tracker's straight line, in metres."""
    loss_db = -expected_dbm([receiver], [_ONE_DB_A_DECADE], points.reshape(-1, 2))
    return np.asarray(loss_db.reshape(points.shape[:-1]))


_ONE_DB_A_DECADE = Radio(power_dbm=0.0, exponent=0.1)


class Fitting:
    """Radios and tags' offsets together, receiver by receiver and round after round."""

    def __init__(
        self,
        looks: Mapping[str, Looks],
        prior: Mapping[str, Belief],
        *,
        tags: int,
        pivot_m: float,
        packet_sd_db: float,
        common_sd_db: float,
    ) -> None:
        """`common_sd_db` is by how much all receivers may differ from `prior` together."""
        self._looks, self._prior = looks, prior
        self._log10_pivot = np.log10(pivot_m)
        self._packet_variance = packet_sd_db**2
        self._common_sd_db = common_sd_db
        self.beliefs = dict(prior)
        self.offsets_db = np.zeros(tags)
        self._common_db = 0.0

    @property
    def radios(self) -> dict[str, Radio]:
        """The radios that are believed now."""
        return {receiver: belief.radio for receiver, belief in self.beliefs.items()}

    def run(self) -> None:
        """Change `beliefs` and `offsets_db` to what the looks make of them."""
        for _ in range(SWEEPS):
            for receiver in self._looks:
                self.beliefs[receiver] = self._refit(receiver)
            self.fit_offsets()
            self._share_common()

    def fit_offsets(self) -> None:
        """Each tag's offset, the radios being what they are: one step of Newton."""
        slope, bend = np.zeros(len(self.offsets_db)), np.zeros(len(self.offsets_db))
        for receiver, looks in self._looks.items():
            pull, weight = self._pull(looks, self.beliefs[receiver].radio)
            slope += np.bincount(looks.tag, pull.sum(axis=1), len(slope))
            bend += np.bincount(looks.tag, weight.sum(axis=1), len(bend))
        precision = 1 / OFFSET_SD_DB**2
        self.offsets_db += (slope - precision * self.offsets_db) / (bend + precision)

    def _refit(self, receiver: str) -> Belief:
        """One step of Newton for level and exponent, then threshold and detection anew."""
        looks, prior = self._looks[receiver], self._prior[receiver]
        radio = self.beliefs[receiver].radio
        pull, weight = self._pull(looks, radio)
        lever = -10 * (looks.log10_m - self._log10_pivot)
        precision = np.array([prior.level_sd_db, prior.exponent_sd]) ** -2.0
        usual = np.array([self._level(prior.radio) + self._common_db, prior.radio.exponent])
        now = np.array([self._level(radio), radio.exponent])
        slope = np.array([pull.sum(), (pull * lever).sum()]) + precision * (usual - now)
        cross = (weight * lever).sum()
        bend = np.array([[weight.sum(), cross], [cross, (weight * lever**2).sum()]])
        covariance = np.linalg.inv(bend + np.diag(precision))
        level, exponent = now + np.clip(covariance @ slope, [-6.0, -0.4], [6.0, 0.4])
        threshold, detection = self._hearing(looks, radio, prior.radio)
        changed = replace(
            radio,
            power_dbm=float(level + 10 * exponent * self._log10_pivot),
            exponent=float(np.clip(exponent, 1.0, 4.0)),
            threshold_dbm=threshold,
            detection=detection,
        )
        level_sd_db, exponent_sd = np.sqrt(np.diag(covariance)).tolist()
        return Belief(changed, level_sd_db, exponent_sd)

    def _level(self, radio: Radio) -> float:
        return float(radio.power_dbm - 10 * radio.exponent * self._log10_pivot)

    def _expected(self, looks: Looks, radio: Radio) -> Floats:
        loss = 10 * radio.exponent * looks.log10_m
        return np.asarray(radio.power_dbm - loss + self.offsets_db[looks.tag][:, None])

    def _pull(self, looks: Looks, radio: Radio) -> tuple[Floats, Floats]:
        """Slope (m, POINTS) of the log likelihood by the expected level, and its weight."""
        expected = self._expected(looks, radio)
        share = SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / np.maximum(looks.packets, 1)
        variance = (self._packet_variance * share)[:, None]
        surprise = looks.dbm[:, None] - expected
        tame = np.minimum(1.0, HUBER_SDS * np.sqrt(variance) / np.maximum(abs(surprise), 1e-9))
        heard_weight = (looks.packets > 0)[:, None] * tame / variance
        above_db = expected - radio.threshold_dbm
        chance = radio.detection * detectable(above_db)
        miss = radio.detection * detectable_slope(above_db) / (1 - chance)
        missed = looks.missed[:, None]
        pull = heard_weight * surprise - missed * miss
        weight = heard_weight + missed * miss**2
        return pull * TEMPER / POINTS, weight * TEMPER / POINTS

    def _hearing(self, looks: Looks, radio: Radio, usual: Radio) -> tuple[float, float]:
        """Threshold and detection that explain best which packets were got and which missed."""
        if not len(looks.tag):
            return usual.threshold_dbm, usual.detection
        level = self._expected(looks, radio).ravel()
        bins = np.arange(-140.0, -19.0)
        at = np.clip(np.rint(level - bins[0]), 0, len(bins) - 1).astype(np.intp)
        got = np.bincount(at, np.repeat(looks.packets, POINTS), len(bins)) * TEMPER / POINTS
        lost = np.bincount(at, np.repeat(looks.missed, POINTS), len(bins)) * TEMPER / POINTS
        reached = detectable(bins - _THRESHOLDS_DBM[:, None])
        chance = np.clip(reached[:, None] * _DETECTIONS[None, :, None], 1e-6, None)
        score = np.log(chance) @ got + np.log1p(-chance) @ lost
        score -= 0.5 * ((_THRESHOLDS_DBM[:, None] - usual.threshold_dbm) / THRESHOLD_SD_DB) ** 2
        score -= 0.5 * ((_DETECTIONS - usual.detection) / DETECTION_SD) ** 2
        threshold, detection = np.unravel_index(int(score.argmax()), score.shape)
        return float(_THRESHOLDS_DBM[threshold]), float(_DETECTIONS[detection])

    def _share_common(self) -> None:
        """What all receivers have in common is theirs, not the tags': both explain it alike."""
        if not self._looks:
            return
        off, weight = [], []
        for receiver in self._looks:
            belief = self._prior[receiver]
            off.append(self._level(self.beliefs[receiver].radio) - self._level(belief.radio))
            weight.append(belief.level_sd_db**-2.0)
        stiff, tags = float(np.sum(weight)), len(self.offsets_db) / OFFSET_SD_DB**2
        free = self._common_sd_db**-2.0
        both = np.array([[stiff + tags, -stiff], [-stiff, stiff + free]])
        pulled = float(np.dot(weight, off))
        aim = np.array([self.offsets_db.sum() / OFFSET_SD_DB**2 - pulled, pulled])
        shift, self._common_db = np.linalg.solve(both, aim).tolist()
        self.offsets_db -= shift
        for receiver, belief in self.beliefs.items():
            now = self._prior[receiver].radio.power_dbm + self._common_db
            if receiver in self._looks:
                now = belief.radio.power_dbm + shift
            self.beliefs[receiver] = replace(belief, radio=replace(belief.radio, power_dbm=now))

    def score(self) -> float:
        """How well levels and misses were expected, in nats, the tags' offsets fitted to them.

        The mixture over the believed places: a belief that was sure of the wrong place pays.
        """
        for _ in range(SWEEPS):
            self.fit_offsets()
        return sum(
            self._score(looks, self.beliefs[one].radio) for one, looks in self._looks.items()
        )

    def _score(self, looks: Looks, radio: Radio) -> float:
        expected = self._expected(looks, radio)
        scaled = (looks.dbm[:, None] - expected) / SCORED_SD_DB
        density = (1 + scaled**2 / FREEDOM) ** (-(FREEDOM + 1) / 2) * 0.375 / SCORED_SD_DB
        reached = detectable(expected - radio.threshold_dbm)
        chance = np.clip(radio.detection * reached, 1e-4, 1 - 1e-4)
        heard = (looks.packets > 0)[:, None]
        seen = np.where(heard, density * chance, (1 - chance) ** looks.missed[:, None])
        return float(np.log(seen.mean(axis=1)).sum())


def pivot_of(receivers: Sequence[Receiver]) -> float:
    """A usual distance, metres: that between neighbours."""
    spots = np.array([receiver.xy for receiver in receivers])
    apart = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    usual = float(np.median(nearest[np.isfinite(nearest)])) if len(spots) > 1 else 20.0
    return max(usual, 3.0)
