"""The log-distance law of one receiver, from what it got of a tag at known places, and did not get.

A mean of packets that were got is too strong where weak ones were lost: it is taken for that of a
normal distribution whose lower part is cut off, where both its distance from the weakest packet and
the share of packets that were got say so. A place where nothing was got has a level below what
would have been heard: normal about the law and cut from above, it weighs as the normal that does
the same to it (the Tobit likelihood, by moments).
"""

from dataclasses import dataclass, replace
from math import erf

import numpy as np
from numpy.typing import NDArray

from gateway.tags.propagation import Floats, Radio

LAW_SD_DB = 5.0
POWER_PRIOR_SD_DB = 8.0
EXPONENT_PRIOR_SD = 0.3
STUDENT_FREEDOM = 4.0
ROUNDS = 12

USUAL_PACKET_SD_DB = 5.0
WELL_HEARD_DB = 12.0
ABOVE_WEAKEST_DB = 2.0  # a threshold is blurred: the very weakest packet was lucky
FLATTEST = 0.15
VAGUE_DB2 = 200.0

_CUTS = np.linspace(-4.0, 8.0, 1201)
_KEPT = np.array([0.5 * (1 + erf(cut / np.sqrt(2))) for cut in _CUTS])
_EXCESS = np.exp(-(_CUTS**2) / 2) / np.sqrt(2 * np.pi) / _KEPT


@dataclass(frozen=True, slots=True)
class Reception:
    """What one receiver got at places: `packets` (n,) of about `sent` (n,), their `mean_dbm` (n,).

    `mean_dbm` says nothing where no packet was got. `packet_sd_db` is that of packets at one place.
    """

    packets: Floats
    sent: Floats
    mean_dbm: Floats
    weakest_dbm: float
    packet_sd_db: float

    @property
    def threshold_dbm(self) -> float:
        """About where packets begin to be lost, if they were so weak at all."""
        return self.weakest_dbm + ABOVE_WEAKEST_DB

    @property
    def detection(self) -> float:
        """The share that was got where nearly all are strong enough."""
        well = (self.packets > 0) & (self.mean_dbm > self.threshold_dbm + WELL_HEARD_DB)
        if not well.any():
            well = self.packets > 0
        return float(self.packets[well].sum() / self.sent[well].sum())

    def uncut(self) -> tuple[Floats, Floats]:
        """Mean levels (n,) dBm as if no packet had been lost, and their variances (n,)."""
        sd_db = self.packet_sd_db
        share = np.minimum(self.packets / self.sent / self.detection, 1.0)
        by_share = np.interp(share, _KEPT, _CUTS)
        means = (self.mean_dbm - self.threshold_dbm) / sd_db
        by_mean = np.interp(means, _CUTS + _EXCESS, _CUTS)
        cut = np.maximum(by_share, by_mean)
        excess = np.interp(cut, _CUTS, _EXCESS)
        slope = np.maximum(1 - excess * (cut + excess), FLATTEST)
        variance = sd_db**2 / np.maximum(self.packets, 1.0) / slope**2
        return self.mean_dbm - sd_db * excess, variance

    def below(self) -> Floats:
        """Levels (n,) dBm at which it is even whether any of the packets sent is got."""
        needed = -np.expm1(np.log(0.5) / self.sent) / self.detection
        cut = np.interp(np.minimum(needed, 1.0), _KEPT, _CUTS)
        return np.asarray(self.threshold_dbm + self.packet_sd_db * np.minimum(cut, 1.0))


def _unheard(law_dbm: Floats, below_dbm: Floats) -> tuple[Floats, Floats]:
    """Level (n,) and variance (n,) that pull a normal about the law where the cut puts it."""
    cut = np.clip((below_dbm - law_dbm) / LAW_SD_DB, _CUTS[0], _CUTS[-1])
    excess = np.interp(cut, _CUTS, _EXCESS)
    left = np.clip(1 - excess * (cut + excess), 1e-3, 1 - 1e-6)
    variance = LAW_SD_DB**2 * left / (1 - left)
    return law_dbm - LAW_SD_DB * excess / (1 - left), variance


@dataclass(frozen=True, slots=True)
class Law:
    """A receiver's `radio`, and what it leaves (n,) dB at the places, known to `variance` (n,).

    `tells` (n,) says at which of them the reception tells a level at all.
    """

    radio: Radio
    deviation: Floats
    variance: Floats
    tells: NDArray[np.bool_]


def fit_law(loss: Floats, reception: Reception, prior: Radio) -> Law:
    """Fit power and exponent; `loss` (n,) dB is the path's at the places for an exponent of 1.

    Robust: a place far off the law weighs little (Student's t, by repeated weighing).
    """
    heard = reception.packets > 0
    uncut, known_to = reception.uncut()
    below = reception.below()
    shape = np.column_stack([np.ones_like(loss), -loss])
    expected = np.array([prior.power_dbm, prior.exponent])
    prior_weight = np.diag([POWER_PRIOR_SD_DB**-2, EXPONENT_PRIOR_SD**-2])
    found = expected
    for _ in range(ROUNDS):
        law = shape @ found
        guess, vague = _unheard(law, below)
        level = np.where(heard, uncut, guess)
        variance = np.where(heard, known_to, vague)
        spread = variance + LAW_SD_DB**2
        odd = np.where(heard, (level - law) ** 2 / spread, 1.0)
        weight = (STUDENT_FREEDOM + 1) / (STUDENT_FREEDOM + odd) / spread
        weighed = shape.T * weight
        found = np.linalg.solve(
            weighed @ shape + prior_weight, weighed @ level + prior_weight @ expected
        )
    radio = replace(prior, power_dbm=float(found[0]), exponent=float(found[1]))
    return Law(radio, level - shape @ found, variance, heard | (variance < VAGUE_DB2))
