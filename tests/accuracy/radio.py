"""Radio that misbehaves as measured radio does: made to be unlike the tracker's own model.

What is hidden of a place stays: each receiver's gain and path loss, the field of its shadows, how
it drifts from day to day. Fading is Rician on three advertising channels, renewed as the tag moves
a few centimetres and, slowly, as the world around it does. A body stands between the tag and
whatever is behind its carrier; packets are lost at any distance, and more of them far away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tests.accuracy.scenes import Floats, Scene
from tests.accuracy.walks import Walk

WAVES = 24
CHANNELS = 3
FADE_M, FADE_S = 0.06, 10.0
DRIFT_KEPT = 0.7  # of yesterday's deviation
TAG_M = 1.0
HOUSE_DB_PER_M, HOUSES_DB = 0.4, 18.0  # a few walls, then around them
ADVERT_JITTER_S = 0.01
SENSITIVITY_SPREAD_DB = 1.5


@dataclass(frozen=True, slots=True)
class Climate:
    """How radio is at a kind of place.

    `power_dbm` is that of the usual tag at one metre with nothing in the way. `fading_k` is the
    Rician factor: 0 is Rayleigh. `body_db` is lost right behind a carrier, about 3/8 of it on
    average over headings. `drift_db` is the range of the receivers' changes from day to day.
    """

    power_dbm: float
    exponent: tuple[float, float]
    gain_sd_db: float
    shadow_sd_db: float
    shadow_wave_m: tuple[float, float]
    fading_k: float
    body_db: float
    drift_db: tuple[float, float]
    sensitivity_dbm: float
    detection: float


OUTDOORS = Climate(-44, (1.9, 2.6), 3.5, 4.0, (6, 25), 0.0, 13, (0.5, 2.7), -98, 0.8)
WORN = Climate(-44, (1.9, 2.6), 3.5, 4.0, (6, 25), 0.0, 22, (0.5, 2.7), -98, 0.8)
INDOORS = Climate(-56, (1.3, 2.0), 3.5, 3.0, (2, 8), 2.0, 5, (0.5, 1.5), -98, 0.8)


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet at one receiver (an index)."""

    at: float
    receiver: int
    rssi_dbm: int


class Air:
    """The radio of one place, the same on every day but for drift."""

    def __init__(
        self,
        scene: Scene,
        climate: Climate,
        seed: int,
        *,
        loss_db: Mapping[int, float] | None = None,
    ) -> None:
        """`loss_db` is what a receiver (an index) has lost: a deaf one, say."""
        random = np.random.default_rng([seed, 0])
        count = len(scene.receivers)
        self._climate = climate
        self._antennas = scene.receivers
        self._houses = scene.houses
        self._seed = seed
        self.gains_db = random.normal(0, climate.gain_sd_db, count)
        self.exponents = random.uniform(*climate.exponent, count)
        self._drifts_db = random.uniform(*climate.drift_db, count)
        angle = random.uniform(0, 2 * np.pi, (count, WAVES))
        length = random.uniform(*climate.shadow_wave_m, (count, WAVES))
        waves = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        self._waves = waves * (2 * np.pi / length)[..., None]
        self._phases = random.uniform(0, 2 * np.pi, (count, WAVES))
        for receiver, lost in (loss_db or {}).items():
            self.gains_db[receiver] -= lost

    def hear(
        self,
        random: np.random.Generator,
        walk: Walk,
        *,
        offset_db: float = 0.0,
        rate_hz: float = 2.0,
        day: int = 0,
    ) -> list[Heard]:
        """Every packet that some receiver got of a tag `offset_db` stronger than the usual."""
        sent = np.arange(walk.at[0], walk.at[-1], 1 / rate_hz)
        sent = sent + random.uniform(0, ADVERT_JITTER_S, len(sent))
        xy = np.stack([np.interp(sent, walk.at, walk.xy[:, k]) for k in (0, 1)], axis=1)
        facing = walk.heading[np.searchsorted(walk.at, sent).clip(0, len(walk.at) - 1)]
        worn_at = random.uniform(-np.pi, np.pi)
        level = offset_db + self.carried_dbm(xy, facing, worn_at=worn_at, day=day)
        level += self._fading(random, sent, xy)
        margin = (level - self._climate.sensitivity_dbm) / SENSITIVITY_SPREAD_DB
        chance = self._climate.detection / (1 + np.exp(-margin))
        got = np.argwhere(random.random(level.shape) < chance)
        return [Heard(float(sent[p]), int(r), round(float(level[p, r]))) for p, r in got]

    def usual_dbm(self, xy: Floats, *, day: int = 0) -> Floats:
        """Level (n, r) at points (n, 2), with nobody in the way and no fading."""
        away = self._antennas[None, :, :2] - xy[:, None]
        distance = np.hypot(np.hypot(*np.moveaxis(away, 2, 0)), self._antennas[:, 2] - TAG_M)
        lost = 10 * self.exponents * np.log10(np.maximum(distance, 0.5))
        here = self.gains_db + self._drifted_db(day)
        lost += np.minimum(HOUSE_DB_PER_M * self._through_houses(xy), HOUSES_DB)
        return np.asarray(self._climate.power_dbm + here - lost + self._shadow(xy))

    def _through_houses(self, xy: Floats) -> Floats:
        """Metres (n, r) of the straight line that lie within houses (Liang and Barsky, 1984)."""
        away = self._antennas[None, :, :2] - xy[:, None]
        steps = np.where(np.abs(away) < 1e-9, 1e-9, away)
        inside = np.zeros(away.shape[:2])
        for west, south, east, north in self._houses:
            one = (np.array([west, south]) - xy)[:, None] / steps
            other = (np.array([east, north]) - xy)[:, None] / steps
            enter = np.minimum(one, other).max(axis=2).clip(0, 1)
            leave = np.maximum(one, other).min(axis=2).clip(0, 1)
            inside += np.maximum(leave - enter, 0)
        return np.asarray(inside * np.hypot(away[..., 0], away[..., 1]))

    def carried_dbm(self, xy: Floats, facing: Floats, *, worn_at: float, day: int = 0) -> Floats:
        """The same (n, r), with a carrier who faces (n,) and wears the tag at an angle to that.

        A body takes less from a receiver high above.
        """
        away = self._antennas[None, :, :2] - xy[:, None]
        flat = np.hypot(away[..., 0], away[..., 1])
        steep = flat / np.hypot(flat, self._antennas[:, 2] - TAG_M)
        bearing = np.arctan2(away[..., 1], away[..., 0]) - facing[:, None] - worn_at
        body = self._climate.body_db * ((1 - np.cos(bearing)) / 2) ** 2 * steep
        return np.asarray(self.usual_dbm(xy, day=day) - body)

    def _drifted_db(self, day: int) -> Floats:
        """How far (r,) each receiver is off on `day`: it wanders, and comes back."""
        random = np.random.default_rng([self._seed, 1])
        spread = self._drifts_db / np.sqrt(2 * (1 - DRIFT_KEPT))
        off = random.normal(0, spread)
        for _ in range(day):
            off = DRIFT_KEPT * off + random.normal(0, spread * np.sqrt(1 - DRIFT_KEPT**2))
        return np.asarray(off)

    def _shadow(self, xy: Floats) -> Floats:
        angles = np.einsum("rkc,pc->prk", self._waves, xy) + self._phases
        scale = self._climate.shadow_sd_db * np.sqrt(2 / WAVES)
        return np.asarray(scale * np.cos(angles).sum(axis=2))

    def _fading(self, random: np.random.Generator, sent: Floats, xy: Floats) -> Floats:
        """Rician power (n, r), dB, on the channel that each receiver happened to listen to."""
        shape = (len(sent), len(self._antennas), CHANNELS)
        fresh = random.normal(size=(*shape, 2))
        moved = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
        kept = np.exp(-moved / FADE_M - np.diff(sent, prepend=sent[0]) / FADE_S)
        wave = fresh[0]
        scattered = np.empty(fresh.shape)
        for k, share in enumerate(kept.tolist()):
            wave = share * wave + np.sqrt(1 - share**2) * fresh[k]
            scattered[k] = wave
        k_factor = self._climate.fading_k
        scattered *= np.sqrt(0.5 / (k_factor + 1))
        scattered[..., 0] += np.sqrt(k_factor / (k_factor + 1))
        channel = random.integers(CHANNELS, size=shape[:2])[..., None]
        power = np.take_along_axis((scattered**2).sum(axis=3), channel, axis=2)[..., 0]
        return np.asarray(10 * np.log10(power + 1e-6))
