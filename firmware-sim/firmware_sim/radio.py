"""What receivers on poles get of a tag on a body: measured figures, put into numbers.

Source: street recordings with pole receivers over 130 m. Exponents 1.9 to 2.6; a packet of somebody
walking is 6.4 to 7.5 dB off its receiver's fit: fast fading of about 5.5 dB, a bias of about 3.4 dB
that persists at a place, and the body: 22 dB right in the path, 8 dB averaged over headings. From
day to day a receiver drifts by 0.5 to 2.7 dB. Detection is 0.80 near and 0.48 at 130 m. All that is
a street in sight; what houses take away is our own estimate.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.geometry import Floats, inside
from firmware_sim.site import Ground, Site

Ints = NDArray[np.int64]

REFERENCE_DBM = -38.0  # at 1 m, nobody in the way
TAG_HEIGHT_M = 1.0
EXPONENTS = (1.9, 2.6)
PIVOT_M = 40.0  # receivers of any exponent agree on average here
SHADOW_DB, SHADOW_REACH_M, SHADOW_WAVES = 3.4, 9.0, 24
DRIFT_DB = (0.5, 2.7)
BODY_DB, BODY_ALWAYS_DB, BODY_SHARPNESS = 22.0, 6.0, 40
HOUSE_DB_PER_M, HOUSE_MOST_DB, RASTER_M, RAY_STEPS = 0.45, 30.0, 2.0, 40
WALL_DB = 35.0
CHANNELS = 3
COHERENCE_M, COHERENCE_S = 0.06, 6.0  # half a wave length; a standing body sways
UNEVEN_DB = 2.3  # antenna patterns, orientation of the tag, the receiver's own reading
SCAN_SHARE = 0.83  # what a scanning receiver gets of packets that are loud enough
HALF_LOST_DBM, HALF_LOST_SPREAD_DB = -96.5, 11.0  # the band is shared: weak packets collide more
FLOOR_DBM, FLOOR_SPREAD_DB = -105.0, 1.5
REACH_M = 170.0
DAY_S = 86_400.0
RAYLEIGH_MEAN_DB = -2.507  # of 10 log10 of an exponential variable of mean 1


@dataclass(frozen=True, slots=True)
class Emission:
    """Packets sent in one step; arrays of shape (n,), xy and heading (n, 2)."""

    at: Floats
    tag: Ints
    button: NDArray[np.bool_]
    xy: Floats
    heading: Floats
    """Unit vectors the way the tag faces, the body behind it; zero if nobody carries it."""
    indoors: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Heard:
    """Packets that receivers got: `packet` indexes the emission, `receiver` the site's nodes."""

    packet: Ints
    receiver: Ints
    rssi_dbm: Ints


class Radio:
    """The air over one site. All that lasts (places, receivers, days) follows from the seed."""

    def __init__(
        self, site: Site, *, tag_offsets_db: Floats, seed: int, wall_db: float = WALL_DB
    ) -> None:
        rng = np.random.default_rng([seed, 1])
        count = len(site.nodes)
        self._xyz = site.node_xyz
        self.exponents = rng.uniform(*EXPONENTS, count)
        self.gains_db = rng.normal(0.0, 2.0, count) + 10.0 * (self.exponents - 2.25) * math.log10(
            PIVOT_M
        )
        self._waves = rng.normal(0.0, 1.0 / SHADOW_REACH_M, (count, SHADOW_WAVES, 2))
        self._phases = rng.uniform(0.0, 2.0 * np.pi, (count, SHADOW_WAVES))
        self._drift_sd_db = rng.uniform(*DRIFT_DB, count)
        self._houses = _Raster(site.lots)
        self._tag_offsets_db = tag_offsets_db
        self._wall_db = wall_db
        self._seed = seed
        self._rng = np.random.default_rng([seed, 2])
        shape = (len(tag_offsets_db), count, CHANNELS)
        self._fading = _gaussian(self._rng, shape)
        self._fading_at = np.full(shape, -np.inf)
        self._fading_place = np.zeros((*shape, 2))
        self._drift_days: dict[int, Floats] = {}

    def hear(self, sent: Emission) -> Heard:
        """Which receivers get which packets, and how loud (integer dBm)."""
        near = np.hypot(*np.moveaxis(sent.xy[:, None, :] - self._xyz[None, :, :2], -1, 0)) < REACH_M
        packet, receiver = np.nonzero(near)
        if not len(packet):
            return Heard(packet, receiver, packet)
        mean = self.mean_dbm(sent, packet, receiver)
        hopeful = mean > FLOOR_DBM - 10.0  # fading hardly ever adds more
        packet, receiver, mean = packet[hopeful], receiver[hopeful], mean[hopeful]
        rssi = mean + self._fast_fading_db(sent, packet, receiver)
        rssi += self._rng.normal(0.0, UNEVEN_DB, len(rssi))
        got = self._rng.random(len(rssi)) < detection(rssi)
        return Heard(packet[got], receiver[got], np.round(rssi[got]).astype(np.int64))

    def mean_dbm(self, sent: Emission, packet: Ints, receiver: Ints) -> Floats:
        """Level before fast fading of each pair (packet, receiver), shape (n,)."""
        xy = sent.xy[packet]
        ray = self._xyz[receiver, :2] - xy
        flat_m = np.hypot(*ray.T)
        far_m = np.hypot(flat_m, self._xyz[receiver, 2] - TAG_HEIGHT_M)
        level = REFERENCE_DBM + self.gains_db[receiver] + self._tag_offsets_db[sent.tag[packet]]
        level -= 10.0 * self.exponents[receiver] * np.log10(far_m)
        level += self.shadow_db(xy, receiver) + self.drift_db(float(sent.at[0]))[receiver]
        level -= body_loss_db(sent.heading[packet], ray / np.maximum(flat_m, 0.1)[:, None])
        level -= np.minimum(HOUSE_DB_PER_M * self._houses.metres(xy, ray), HOUSE_MOST_DB)
        level -= self._wall_db * sent.indoors[packet]
        return level

    def shadow_db(self, xy: Floats, receiver: Ints) -> Floats:
        """The bias that persists at a place: a sum of waves over the ground, one set a receiver."""
        angles = np.einsum("nwk,nk->nw", self._waves[receiver], xy) + self._phases[receiver]
        return np.asarray(
            SHADOW_DB * math.sqrt(2.0 / SHADOW_WAVES) * np.sum(np.cos(angles), axis=1)
        )

    def drift_db(self, at: float) -> Floats:
        """What each receiver reads too high then; it glides from one day's value to the next."""
        day, share = divmod(at / DAY_S, 1.0)
        return (1.0 - share) * self._day_db(int(day)) + share * self._day_db(int(day) + 1)

    def _day_db(self, day: int) -> Floats:
        if day not in self._drift_days:
            rng = np.random.default_rng([self._seed, 3, day])
            self._drift_days[day] = rng.normal(0.0, self._drift_sd_db)
        return self._drift_days[day]

    def _fast_fading_db(self, sent: Emission, packet: Ints, receiver: Ints) -> Floats:
        """Rayleigh fading of one of three channels, new after half a wave length or seconds."""
        channel = self._rng.integers(CHANNELS, size=len(packet))
        entry = (sent.tag[packet], receiver, channel)
        moved = np.hypot(*(sent.xy[packet] - self._fading_place[entry]).T) / COHERENCE_M
        waited = np.abs(sent.at[packet] - self._fading_at[entry]) / COHERENCE_S
        kept = np.exp(-(moved + waited))
        fresh = _gaussian(self._rng, packet.shape)
        field = kept * self._fading[entry] + np.sqrt(1.0 - kept**2) * fresh
        self._fading[entry] = field
        self._fading_at[entry] = sent.at[packet]
        self._fading_place[entry] = sent.xy[packet]
        power = np.maximum(field.real**2 + field.imag**2, 1e-6)
        return np.asarray(10.0 * np.log10(power) - RAYLEIGH_MEAN_DB)


def detection(rssi_dbm: Floats) -> Floats:
    """The chance that a receiver gets a packet of that level, shape (n,)."""
    uncollided = _rising((rssi_dbm - HALF_LOST_DBM) / HALF_LOST_SPREAD_DB)
    return SCAN_SHARE * uncollided * _rising((rssi_dbm - FLOOR_DBM) / FLOOR_SPREAD_DB)


def _rising(margin: Floats) -> Floats:
    """The normal distribution function, to 1 % (logistic)."""
    return np.asarray(1.0 / (1.0 + np.exp(-1.702 * margin)))


def body_loss_db(heading: Floats, ray: Floats) -> Floats:
    """Loss through the carrier, shape (n,); unit vectors (n, 2). Least with the pole ahead.

    Mean over headings 8.0 dB; 22 dB where the body is right in the path; 0 where `heading` is zero.
    """
    towards = np.sum(heading * ray, axis=1)
    blocked = ((1.0 - np.clip(towards, -1.0, 1.0)) / 2.0) ** (BODY_SHARPNESS / 2)
    loss = BODY_ALWAYS_DB + (BODY_DB - BODY_ALWAYS_DB) * blocked
    return np.where(np.any(heading != 0.0, axis=1), loss, 0.0)


def _gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Complex values of mean power 1."""
    return np.asarray(rng.normal(size=(*shape, 2)).view(np.complex128)[..., 0] / math.sqrt(2.0))


class _Raster:
    """The lots as a raster, to ask how far a ray goes through houses and gardens."""

    def __init__(self, lots: tuple[Ground, ...]) -> None:
        corners = np.vstack([lot.ring for lot in lots]) if lots else np.zeros((1, 2))
        self._west_south = corners.min(axis=0) - RASTER_M
        columns, rows = np.ceil((corners.max(axis=0) - self._west_south) / RASTER_M).astype(int) + 2
        self._built = np.zeros((columns, rows), dtype=bool)
        for lot in lots:
            low = ((lot.ring.min(axis=0) - self._west_south) // RASTER_M).astype(int)
            high = ((lot.ring.max(axis=0) - self._west_south) // RASTER_M).astype(int) + 1
            cells = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
            middles = self._west_south + (cells + 0.5) * RASTER_M
            hit = inside(lot.ring, middles.reshape(-1, 2)).reshape(cells.shape[:2])
            self._built[low[0] : high[0], low[1] : high[1]] |= hit

    def metres(self, start: Floats, ray: Floats) -> Floats:
        """Metres of each ray (n, 2) from `start` (n, 2) that lie in lots, shape (n,)."""
        shares = (np.arange(RAY_STEPS) + 0.5) / RAY_STEPS
        points = start[:, None, :] + shares[None, :, None] * ray[:, None, :]
        cells = ((points - self._west_south) // RASTER_M).astype(np.int64)
        last = np.array(self._built.shape) - 1
        column, row = np.moveaxis(np.clip(cells, 0, last), -1, 0)
        return np.asarray(np.mean(self._built[column, row], axis=1) * np.hypot(*ray.T))
