"""A survey becomes a radio map: how strong the surveying tag is at a receiver, place by place.

Packets of known places are averaged by spot and day. A log-distance law is fitted to every receiver
(law.py); what the law leaves, less what the surveyor's body did (stance.py), is taken for a random
field (field.py): away from the survey the map becomes the law, and says that it is less sure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.site import Points, Receiver
from gateway.tags.field import USUAL, Kernel, Spots, choose_kernel, left_out, predict
from gateway.tags.law import USUAL_PACKET_SD_DB, Reception, fit_law
from gateway.tags.propagation import Floats, Radio, antennas_of, expected_dbm
from gateway.tags.stance import stances
from gateway.tags.surroundings import surroundings_of

RASTER_M = 1.0
MOST_SPOTS = 600  # of one receiver; beyond, spots are merged over a wider raster
LEARNING_SPOTS = 120
LEARNING_RECEIVERS = 12
FEWEST_SPOTS = 4
ENOUGH_PACKETS = 30
STANCE_ROUNDS = 2


class SurveyRow(NamedTuple):
    """One packet of the surveying tag at `xy`, metres of the site."""

    xy: tuple[float, float]
    receiver: str
    rssi_dbm: float
    day: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One receiver's part of the map; `spots` hold how the level deviates from `radio`'s law.

    `visits` (n,) numbers the visits that the spots were found on, through all layers.
    """

    receiver: Receiver
    radio: Radio
    spots: Spots
    visits: NDArray[np.intp]

    def left_out(self, kernel: Kernel) -> Floats:
        """Errors (n,) dB of the map at each spot, if nobody had ever been there."""
        _, place = np.unique(np.floor(self.spots.xy / RASTER_M), axis=0, return_inverse=True)
        return left_out(kernel, self.spots, groups=place)


@dataclass(frozen=True, slots=True)
class Survey:
    """The radio map. A receiver that was heard at too few spots has no layer."""

    layers: Mapping[str, Layer]
    kernel: Kernel

    @property
    def radios(self) -> dict[str, Radio]:
        """The law of every surveyed receiver, for the surveying tag.

        `power_sd_db` is what another day or a step aside changes, also where the map is sure.
        """
        return {receiver: layer.radio for receiver, layer in self.layers.items()}

    def levels(self, receiver: str, points: Points) -> tuple[Floats, Floats] | None:
        """Mean level (n,) dBm of the surveying tag at `points` (n, 2), and its sd (n,) dB.

        None for a receiver without a layer. Takes some milliseconds: ask once for many points.
        """
        layer = self.layers.get(receiver)
        if layer is None:
            return None
        law = expected_dbm([layer.receiver], [layer.radio], points)[:, 0]
        deviation, sd_db = predict(self.kernel, layer.spots, points)
        return law + deviation, sd_db

    def errors(self, receiver: str) -> tuple[float, float]:
        """How far off, dB (RMS), spots are of the receiver's law, and of the map of all others."""
        layer = self.layers[receiver]
        errors = layer.left_out(self.kernel)
        return float(np.sqrt((layer.spots.deviation**2).mean())), float(np.sqrt((errors**2).mean()))


def fit_survey(receivers: Sequence[Receiver], rows: Iterable[SurveyRow]) -> Survey:
    """The radio map of those `receivers` that the rows name; rows of others are left out."""
    by_id = {receiver.id: receiver for receiver in receivers}
    known = [row for row in rows if row.receiver in by_id]
    if not known:
        return Survey({}, USUAL)
    visits = _visits(known)
    usual = surroundings_of(receivers).radio
    fitted = [_layer(by_id[one], visits, k, usual) for k, one in enumerate(visits.receivers)]
    layers = [layer for layer in fitted if len(layer.spots) >= FEWEST_SPOTS]
    if not layers:
        return Survey({}, USUAL)
    kernel, raw = _kernel_of(layers), layers
    for _ in range(STANCE_ROUNDS):
        layers = _without_stances(raw, layers, kernel, visits.xy)
        kernel = _kernel_of(layers, start=kernel)
    unsure_db = float(np.hypot(kernel.day_sd_db, kernel.spot_sd_db))
    return Survey(
        {
            layer.receiver.id: replace(layer, radio=replace(layer.radio, power_sd_db=unsure_db))
            for layer in layers
        },
        kernel,
    )


def _kernel_of(layers: Sequence[Layer], *, start: Kernel = USUAL) -> Kernel:
    chosen = layers[:: max(len(layers) // LEARNING_RECEIVERS, 1)]
    return choose_kernel([layer.spots.thinned(LEARNING_SPOTS) for layer in chosen], start=start)


def _without_stances(
    raw: Sequence[Layer], layers: Sequence[Layer], kernel: Kernel, places: Points
) -> list[Layer]:
    """The `raw` layers less the stances that the map of `layers` makes out; `places` of visits."""
    errors = np.zeros((len(places), len(raw)))
    variances = np.full(errors.shape, np.inf)
    for column, (was, now) in enumerate(zip(raw, layers, strict=True)):
        foretold = now.spots.deviation - now.left_out(kernel)
        errors[now.visits, column] = was.spots.deviation - foretold
        variances[now.visits, column] = was.spots.variance + kernel.sd_db**2
    antennas = antennas_of([layer.receiver for layer in raw])
    stance, unsure = stances(errors, variances, places, antennas)
    return [
        replace(
            layer,
            spots=replace(
                layer.spots,
                deviation=layer.spots.deviation - stance[layer.visits, column],
                variance=layer.spots.variance + unsure[layer.visits, column],
            ),
        )
        for column, layer in enumerate(raw)
    ]


@dataclass(frozen=True, slots=True)
class _Visits:
    """Spots by day: where (v, 2), which day (v,), and what each receiver got there (v, r).

    `squares` are sums of squared differences from the mean, `weakest_dbm` (r,) of all packets.
    """

    receivers: Sequence[str]
    xy: Points
    day: NDArray[np.intp]
    packets: Floats
    mean_dbm: Floats
    squares: Floats
    weakest_dbm: Floats


def _visits(rows: Sequence[SurveyRow]) -> _Visits:
    xy = np.array([row.xy for row in rows], dtype=float)
    dbm = np.array([row.rssi_dbm for row in rows], dtype=float)
    receivers, column = np.unique([row.receiver for row in rows], return_inverse=True)
    _, day = np.unique([row.day for row in rows], return_inverse=True)
    raster_m = RASTER_M
    while True:
        keys = np.column_stack([np.floor(xy / raster_m).astype(np.intp), day])
        spots, spot = np.unique(keys, axis=0, return_inverse=True)
        packets = np.zeros((len(spots), len(receivers)))
        np.add.at(packets, (spot, column), 1.0)
        if (packets > 0).sum(axis=0).max() <= MOST_SPOTS:
            break
        raster_m *= 1.5
    mean, squares, place = np.zeros_like(packets), np.zeros_like(packets), np.zeros((len(spots), 2))
    np.add.at(mean, (spot, column), dbm)
    mean /= np.maximum(packets, 1.0)
    np.add.at(squares, (spot, column), (dbm - mean[spot, column]) ** 2)
    np.add.at(place, spot, xy)
    weakest = np.full(len(receivers), np.inf)
    np.minimum.at(weakest, column, dbm)
    return _Visits(
        receivers=receivers.tolist(),
        xy=place / packets.sum(axis=1, keepdims=True),
        day=spots[:, 2],
        packets=packets,
        mean_dbm=mean,
        squares=squares,
        weakest_dbm=weakest,
    )


def _layer(receiver: Receiver, visits: _Visits, column: int, usual: Radio) -> Layer:
    """The receiver's layer; days on which it heard nothing at all tell nothing."""
    packets = visits.packets[:, column]
    there = np.isin(visits.day, visits.day[packets > 0])
    xy, packets = visits.xy[there], packets[there]
    freedom = np.maximum(packets - 1, 0).sum()
    usual_square = ENOUGH_PACKETS * USUAL_PACKET_SD_DB**2
    packet_variance = (visits.squares[:, column].sum() + usual_square) / (freedom + ENOUGH_PACKETS)
    reception = Reception(
        packets=packets,
        sent=visits.packets[there].max(axis=1),
        mean_dbm=visits.mean_dbm[there, column],
        weakest_dbm=float(visits.weakest_dbm[column]),
        packet_sd_db=float(np.sqrt(packet_variance)),
    )
    loss = -expected_dbm([receiver], [Radio(power_dbm=0.0, exponent=1.0)], xy)[:, 0]
    law = fit_law(loss, reception, usual)
    tells = law.tells
    spots = Spots(xy[tells], visits.day[there][tells], law.deviation[tells], law.variance[tells])
    return Layer(receiver, law.radio, spots, np.flatnonzero(there)[tells])
