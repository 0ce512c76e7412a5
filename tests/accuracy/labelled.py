"""Calibration by one who knows the truth: the reference for a calibration that does not.

For each receiver, the power, the exponent and the threshold under which what was heard, and what
was not, is likeliest. A packet too weak to be heard is missing from the levels, so levels alone
would make far places look louder than they are: misses are weighed with them (Tobin, Econometrica
1958).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor

import numpy as np

from gateway.report.scoring import Floats
from gateway.tags.propagation import Radio
from tests.accuracy.radio import TAG_M
from tests.accuracy.towns import Trial

LEVEL_SD_DB = 7.0
EDGE_DB = 2.0  # over how much a receiver grows deaf
SHADOW_SD_DB = 3.4  # what one power and exponent leave unknown at a place
NEAR_M = 25.0
FEWEST_HEARD = 30
BINS_M = np.geomspace(2, 400, 30)
EXPONENTS = np.arange(28, 65) / 20
POWERS_DBM = np.arange(-80.0, -35.0, 1.0)
THRESHOLDS_DBM = np.arange(-104.0, -88.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Chances:
    """Seconds (n,) in which a receiver could have heard a tag, at which distance, and how much
    stronger the tag was than the usual; its level, NaN where the receiver heard nothing."""

    distance_m: Floats
    offset_db: Floats
    level_dbm: Floats


def labelled(trials: Iterable[Trial]) -> dict[str, Radio]:
    """The radio of every receiver that was heard often enough. All trials are of one site."""
    parts: dict[str, list[_Chances]] = defaultdict(list)
    for trial in trials:
        for tag in trial.truths:
            for receiver, found in _chances(trial, tag):
                parts[receiver].append(found)
    joined = {
        receiver: _Chances(
            np.concatenate([one.distance_m for one in found]),
            np.concatenate([one.offset_db for one in found]),
            np.concatenate([one.level_dbm for one in found]),
        )
        for receiver, found in parts.items()
    }
    return {
        receiver: _fit(chances)
        for receiver, chances in joined.items()
        if np.isfinite(chances.level_dbm).sum() >= FEWEST_HEARD
    }


def _chances(trial: Trial, tag: str) -> Iterator[tuple[str, _Chances]]:
    """By receiver; only seconds in which somebody heard the tag: it may send less often."""
    levels: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in trial.recording.rows:
        if row.tag == tag:
            levels[row.receiver][floor(row.at)].append(round(row.rssi_dbm))
    seconds = np.array(sorted({second for known in levels.values() for second in known}))
    where = trial.truths[tag].where(seconds + 0.5)
    known = ~np.isnan(where[:, 0])
    offset = np.full(known.sum(), trial.offsets_db[tag])
    for receiver in trial.recording.site.receivers:
        flat = np.hypot(*(where[known] - np.array(receiver.xy)).T)
        own = levels[receiver.id]
        level = [np.mean(own[s]) if s in own else np.nan for s in seconds[known].tolist()]
        distance = np.hypot(flat, receiver.height_m - TAG_M)
        yield receiver.id, _Chances(np.asarray(distance), offset, np.array(level))


def _fit(chances: _Chances) -> Radio:
    heard = np.isfinite(chances.level_dbm)
    near = chances.distance_m < max(NEAR_M, float(np.quantile(chances.distance_m, 0.1)))
    detection = float(np.clip(heard[near].mean(), 0.3, 0.99))
    heard_dbm = chances.level_dbm[heard]
    alike = _alike(chances)
    best = (-np.inf, Radio())
    for threshold_dbm in THRESHOLDS_DBM.tolist():
        log = _log_likelihood(alike, threshold_dbm, detection)
        log += np.log(_arrives((heard_dbm - threshold_dbm) / EDGE_DB)).sum()
        power, exponent = np.unravel_index(log.argmax(), log.shape)
        found = Radio(
            power_dbm=float(POWERS_DBM[power]),
            exponent=float(EXPONENTS[exponent]),
            power_sd_db=SHADOW_SD_DB,
            threshold_dbm=threshold_dbm,
            detection=detection,
        )
        best = max(best, (float(log.max()), found), key=lambda one: one[0])
    return best[1]


def _alike(chances: _Chances) -> Floats:
    """Of chances alike in distance and tag: loss at exponent 1, offset, times heard, the sum of
    levels, times missed: (5, bins)."""
    keys = np.column_stack([np.digitize(chances.distance_m, BINS_M), chances.offset_db])
    bins = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    heard = np.isfinite(chances.level_dbm)
    count = np.bincount(bins)
    far = 10 * np.log10(np.bincount(bins, chances.distance_m) / count)
    offset = np.bincount(bins, chances.offset_db) / count
    total = np.bincount(bins, np.where(heard, chances.level_dbm, 0.0))
    return np.stack([far, offset, np.bincount(bins, heard), total, np.bincount(bins, ~heard)])


def _log_likelihood(alike: Floats, threshold_dbm: float, detection: float) -> Floats:
    """Of all powers and exponents (p, e), up to a constant."""
    far_db, offset_db, heard, total, missed = alike
    usual = POWERS_DBM[:, None, None] - EXPONENTS[:, None] * far_db + offset_db
    levels = (total * usual - 0.5 * heard * usual**2).sum(axis=2) / LEVEL_SD_DB**2
    arrives = _arrives((usual - threshold_dbm) / LEVEL_SD_DB)
    return np.asarray(levels + (missed * np.log1p(-detection * arrives)).sum(axis=2))


def _arrives(above: Floats) -> Floats:
    """The normal distribution, within 0.01 (Bowling et al., JIEM 2009)."""
    return np.asarray(1 / (1 + np.exp(-1.702 * above)))
