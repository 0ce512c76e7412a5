"""What a measuring party would find of the simulated radio: the figures known of the real one.

Of every packet the truth is known; for each receiver level is fitted on the logarithm of distance,
and what is left is told apart into what stays at a place and what does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.accuracy.radio import TAG_M, Air
from tests.accuracy.scenes import Floats, Indexes, Scene
from tests.accuracy.walks import TICK_S, Walk

PLACE_M = 3.0
LEAST_AT_PLACE = 8


@dataclass(frozen=True, slots=True)
class Packets:
    """Received ones (n,): by which receiver, how far from it, how strong, and where sent (n, 2)."""

    receiver: Indexes
    distance_m: Floats
    rssi_dbm: Floats
    xy: Floats


@dataclass(frozen=True, slots=True)
class Facts:
    """Of received packets, dB: `residual_sd` after a fit to each receiver, `fast_sd` of it within
    a place of 3 m, `place_sd` of the places' means. The fits' `intercepts_dbm` at one metre (r,).
    """

    residual_sd: float
    fast_sd: float
    place_sd: float
    intercepts_dbm: Floats


def listen(
    random: np.random.Generator,
    scene: Scene,
    air: Air,
    walks: Sequence[Walk],
    *,
    day: int = 0,
) -> Packets:
    """What is heard of a tag of the usual strength that sends once a second along `walks`."""
    spots, heard = [], []
    for walk in walks:
        new = air.hear(random, walk, day=day, rate_hz=1.0)
        at = [one.at for one in new]
        spots.append(np.stack([np.interp(at, walk.at, walk.xy[:, k]) for k in (0, 1)], axis=1))
        heard += new
    xy = np.concatenate(spots)
    receiver = np.array([one.receiver for one in heard])
    away = _distances(scene, xy)[np.arange(len(xy)), receiver]
    return Packets(receiver, away, np.array([float(one.rssi_dbm) for one in heard]), xy)


def facts(packets: Packets) -> Facts:
    """Fit each receiver, and look at what is left."""
    residual = np.empty(len(packets.xy))
    intercepts = np.empty(packets.receiver.max() + 1)
    for receiver in range(len(intercepts)):
        own = packets.receiver == receiver
        columns = np.column_stack([np.ones(own.sum()), -10 * np.log10(packets.distance_m[own])])
        fit = np.linalg.lstsq(columns, packets.rssi_dbm[own], rcond=None)[0]
        residual[own] = packets.rssi_dbm[own] - columns @ fit
        intercepts[receiver] = fit[0]
    keys = np.column_stack([packets.receiver, np.floor(packets.xy / PLACE_M)])
    place = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    count = np.bincount(place)
    mean = np.bincount(place, residual) / count
    within = np.bincount(place, (residual - mean[place]) ** 2) / np.maximum(count - 1, 1)
    known = count >= LEAST_AT_PLACE
    fast = float(np.average(within[known], weights=count[known]))
    placed = float(mean[known].var() - (within[known] / count[known]).mean())
    return Facts(float(residual.std()), fast**0.5, max(placed, 0.0) ** 0.5, intercepts)


def detection(
    scene: Scene, walks: Sequence[Walk], packets: Packets, *, from_m: float, to_m: float
) -> float:
    """Which share of the packets sent once a second so far from a receiver it got."""
    sent = 0
    for walk in walks:
        away = _distances(scene, walk.xy[:: round(1 / TICK_S)])
        sent += int(((away >= from_m) & (away < to_m)).sum())
    got = (packets.distance_m >= from_m) & (packets.distance_m < to_m)
    return float(got.sum() / sent)


def _distances(scene: Scene, xy: Floats) -> Floats:
    """From points (n, 2) to the receivers (r, 3): (n, r)."""
    away = scene.receivers[None, :, :2] - xy[:, None]
    return np.asarray(np.sqrt((away**2).sum(axis=2) + (scene.receivers[:, 2] - TAG_M) ** 2))
