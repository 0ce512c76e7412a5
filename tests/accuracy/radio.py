"""Radio that misbehaves as measured radio does: made to be unlike the tracker's own model.

Shadowing is a random field that stays at its place; fading is drawn for every packet; a body stands
between the tag and whatever is behind its carrier; every receiver has its own gain and path loss;
packets are missed at any distance.
"""

from dataclasses import dataclass

import numpy as np

from tests.accuracy.scenes import Floats, Scene, Walk

WAVES = 24


@dataclass(frozen=True, slots=True)
class Climate:
    """How radio is at a kind of place. `fading_k` is the Rician factor: 0 is Rayleigh."""

    power_dbm: float
    exponent: tuple[float, float]
    gain_sd_db: float
    shadow_sd_db: float
    shadow_wave_m: tuple[float, float]
    fading_k: float
    body_db: float
    far_m: float


OUTDOORS = Climate(-50, (1.9, 2.6), 3.5, 3.4, (6, 25), 0.0, 10, 130)
WORN = Climate(-50, (1.9, 2.6), 3.5, 3.4, (6, 25), 0.0, 22, 130)
INDOORS = Climate(-58, (1.3, 2.0), 3.5, 3.0, (2, 8), 2.0, 5, 130)


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet at one receiver (an index)."""

    at: float
    receiver: int
    rssi_dbm: int


def hear(
    random: np.random.Generator,
    scene: Scene,
    climate: Climate,
    walk: Walk,
    *,
    offset_db: float,
    rate_hz: float,
) -> list[Heard]:
    """Every packet that some receiver got of a tag `offset_db` stronger than the usual."""
    sent = np.arange(walk.at[0], walk.at[-1], 1 / rate_hz)
    sent = sent + random.uniform(0, 0.01, len(sent))
    xy = np.stack([np.interp(sent, walk.at, walk.xy[:, k]) for k in (0, 1)], axis=1)
    facing = walk.heading[np.clip(np.searchsorted(walk.at, sent), 0, len(walk.at) - 1)]
    count = len(scene.receivers)
    to_receiver = scene.receivers[None, :, :2] - xy[:, None]
    flat = np.hypot(to_receiver[..., 0], to_receiver[..., 1])
    distance = np.hypot(flat, scene.receivers[:, 2] - 1.0)
    bearing = np.arctan2(to_receiver[..., 1], to_receiver[..., 0]) - facing[:, None]
    worn_at = random.uniform(-np.pi, np.pi)  # the side of the body that the tag hangs on
    body = climate.body_db * ((1 - np.cos(bearing - worn_at)) / 2) ** 1.5 * flat / distance
    level = (
        climate.power_dbm
        + offset_db
        + random.normal(0, climate.gain_sd_db, count)
        - 10 * random.uniform(*climate.exponent, count) * np.log10(np.maximum(distance, 0.5))
        - body
        + _shadow(random, climate, xy, count)
        + _fading(random, climate, flat.shape)
    )
    chance = (0.8 - 0.32 * np.minimum(flat / climate.far_m, 1)) / (1 + np.exp(-(level + 96) / 1.5))
    got = random.random(flat.shape) < chance
    return [Heard(float(sent[p]), int(r), round(float(level[p, r]))) for p, r in np.argwhere(got)]


def _shadow(random: np.random.Generator, climate: Climate, xy: Floats, count: int) -> Floats:
    angle = random.uniform(0, 2 * np.pi, (count, WAVES))
    length = random.uniform(*climate.shadow_wave_m, (count, WAVES))
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * (2 * np.pi / length)[..., None]
    phases = random.uniform(0, 2 * np.pi, (count, WAVES))
    field = np.cos(np.einsum("rkc,pc->prk", waves, xy) + phases).sum(axis=2)
    return np.asarray(climate.shadow_sd_db * np.sqrt(2 / WAVES) * field)


def _fading(random: np.random.Generator, climate: Climate, shape: tuple[int, ...]) -> Floats:
    """Rician power in dB, packet by packet."""
    steady = np.sqrt(climate.fading_k / (climate.fading_k + 1))
    spread = np.sqrt(0.5 / (climate.fading_k + 1))
    power = random.normal(steady, spread, shape) ** 2 + random.normal(0, spread, shape) ** 2
    return np.asarray(10 * np.log10(power + 1e-6))
