"""How the surveyor stood at each visit: what her body and her hand did to all receivers at once.

A body takes most from receivers behind it, so at one visit those on one side are weak together. In
the map it would look like the shadows of walls, other ones on each day. It is the same lean that
the tracker learns of a tag (levels.py): an offset, and so much to the east and to the north.
"""

import numpy as np

from gateway.site import Points
from gateway.tags.propagation import Floats
from gateway.tags.weighing import NEAREST_M, TAG_HEIGHT_M

OFFSET_SD_DB = 1.5
LEAN_SDS_DB = (0.3, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0)
FEWEST_RECEIVERS = 4


def stances(
    errors: Floats, variances: Floats, places: Points, antennas: Floats
) -> tuple[Floats, Floats]:
    """What the stance adds (v, r) dB at visit and receiver, and the variance (v, r) of that.

    `errors` (v, r) dB are levels against what they should be, known to `variances` (v, r): infinite
    where nothing was told. `places` (v, 2), `antennas` (r, 3). How much a body does is found out
    too: a tag on a stick has no lean. Visits of few receivers have no stance.
    """
    terms = _terms(places, antennas)
    enough = np.isfinite(variances).sum(axis=1) >= FEWEST_RECEIVERS
    weights = np.where(enough[:, None], 1 / variances, 0.0)
    told = np.einsum("vr,vri,vrj->vij", weights, terms, terms, optimize=True)
    pull = np.einsum("vr,vri->vi", weights * errors, terms)
    covariance = _likeliest(told, pull)
    stance = np.einsum("vij,vj->vi", covariance, pull)
    variance = np.einsum("vri,vij,vrj->vr", terms, covariance, terms, optimize=True)
    return np.einsum("vri,vi->vr", terms, stance), np.where(enough[:, None], variance, 0.0)


def _likeliest(told: Floats, pull: Floats) -> Floats:
    """Covariance (v, 3, 3) of the stances under the lean that makes all `pull` (v, 3) likeliest."""
    found: list[tuple[float, Floats]] = []
    for lean_sd_db in LEAN_SDS_DB:
        prior = np.square([OFFSET_SD_DB, lean_sd_db, lean_sd_db])
        covariance: Floats = np.asarray(np.linalg.inv(told + np.diag(1 / prior)), dtype=float)
        explained = np.einsum("vi,vij,vj->", pull, covariance, pull)
        shrunk = np.linalg.slogdet(covariance)[1].sum() - len(told) * np.log(prior).sum()
        found.append((float(explained + shrunk), covariance))
    return max(found, key=lambda pair: pair[0])[1]


def _terms(places: Points, antennas: Floats) -> Floats:
    """One, and the direction from each place to each antenna: (v, r, 3)."""
    away = antennas - np.column_stack([places, np.full(len(places), TAG_HEIGHT_M)])[:, None]
    distance_m = np.maximum(np.sqrt((away**2).sum(axis=2, keepdims=True)), NEAREST_M)
    ones = np.ones((*away.shape[:2], 1))
    return np.concatenate([ones, away[..., :2] / distance_m], axis=2)
