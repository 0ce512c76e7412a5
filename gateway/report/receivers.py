"""How each receiver of a recording did, and which of them a technician should go and look at.

Levels are compared with the tracker's own model at the places where the tags were: those of the
truth where it is given, of the smoothed route elsewhere. What a tag is stronger or weaker than the
usual one is taken out first, by median polish (Tukey, 1977): a weak tag is no receiver's fault.
One that was calibrated fits its model with a bad antenna too: what it should hear, and how loud, is
judged by the usual receiver of the site.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from gateway.model import Window
from gateway.report.scoring import Floats
from gateway.site import Points, Receiver, Site
from gateway.tags.propagation import Radio, expected_dbm

CLEAR_DB = 10.0  # less than this above the threshold, walls decide, and only what is strong counts
FEW, MANY = 20, 60
WRONG_DB = 8.0
USUAL_M = 10.0  # where the levels of receivers are compared
BETTER_DB = 1.5
NEIGHBOURS = 8
DEAF = 0.25
ROUNDS = 4

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ReceiverFit:
    """One receiver over a recording.

    `heard_share` and `alive_share` are of the recording's seconds; `near` counts the seconds in
    which a tag was where the receiver should hear it well, `near_heard` those in which it did.
    `distance_m` and `dbm` (n,) are its readings, each tag's own offset taken out; `offset_db`
    (median) and `sd_db` say how they deviate from the model of `radio`, `unlike_db` (median) how
    from the usual receiver's: NaN where fewer than 20 can be compared. `doubts` are sentences for
    people.
    """

    receiver: Receiver
    radio: Radio
    packets: int
    heard_share: float
    alive_share: float
    near: int
    near_heard: int
    distance_m: Floats
    dbm: Floats
    offset_db: float
    sd_db: float
    unlike_db: float
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reception:
    """All receivers in the site's order, and how many dB stronger than usual each tag is."""

    receivers: tuple[ReceiverFit, ...]
    tag_offset_db: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Readings:
    """Readings (n,) by the index of their receiver and tag, where the tag was, and how loud."""

    receiver: Indices
    tag: Indices
    dbm: Floats
    places: Points

    def of(self, chosen: NDArray[np.bool_]) -> "_Readings":
        return _Readings(
            self.receiver[chosen], self.tag[chosen], self.dbm[chosen], self.places[chosen]
        )

    def at(self, receiver: int) -> "_Readings":
        return self.of(self.receiver == receiver)


@dataclass(frozen=True, slots=True)
class _Counts:
    """By receiver: packets, and the seconds of `seconds` in which it heard, or counted alive."""

    seconds: int
    packets: Counter[str]
    heard: Counter[str]
    alive: Counter[str]


@dataclass(frozen=True, slots=True)
class _Compared:
    """Readings (n,) without their tags' offsets, beside their receiver's model and the `usual` one.

    `clear` are those that would be heard also if they were weaker; `near` (r,) is for receivers.
    """

    usual: Radio
    level: _Readings
    deviation: Floats
    unlike: Floats
    clear: NDArray[np.bool_]
    near: Indices
    counts: _Counts


def fit_receivers(
    windows: Sequence[Window],
    places: Mapping[tuple[str, int], tuple[float, float]],
    site: Site,
    radios: Sequence[Radio],
) -> Reception:
    """Compare what was heard in `windows` with the model: one of `radios` for each receiver.

    `places` says where a tag was in a second, metres; readings without a place only count as heard.
    """
    tags = sorted({tag for tag, _ in places})
    readings = _readings(windows, places, site, tags)
    every = np.arange(len(readings.dbm))
    usual = _usual_radio(radios)
    model, usual_model = (
        expected_dbm(site.receivers, each, readings.places)[every, readings.receiver]
        for each in (radios, [usual] * len(radios))
    )
    above_db = usual_model - usual.threshold_dbm - CLEAR_DB
    of_tag = _tag_offsets(readings, readings.dbm - usual_model, above_db, len(tags))
    level = replace(readings, dbm=readings.dbm - of_tag[readings.tag])
    found = _Compared(
        usual=usual,
        level=level,
        deviation=level.dbm - model,
        unlike=level.dbm - usual_model,
        clear=above_db + np.minimum(of_tag, 0)[readings.tag] > 0,
        near=_near(places, site, usual, dict(zip(tags, of_tag, strict=True))),
        counts=_count(windows),
    )
    fits = [_fit(index, site.receivers, radios[index], found) for index in range(len(radios))]
    share = _usual_hearing(fits)
    return Reception(
        tuple(
            replace(fit, doubts=tuple(_doubts(index, fit, site.receivers, found, share)))
            for index, fit in enumerate(fits)
        ),
        dict(zip(tags, of_tag.tolist(), strict=True)),
    )


def _usual_radio(radios: Sequence[Radio]) -> Radio:
    """The median receiver's, by its level at USUAL_M."""
    reach = 10 * float(np.log10(USUAL_M))
    exponent = median(radio.exponent for radio in radios)
    return Radio(
        power_dbm=median(one.power_dbm - reach * one.exponent for one in radios) + reach * exponent,
        exponent=exponent,
        threshold_dbm=median(radio.threshold_dbm for radio in radios),
    )


def _readings(
    windows: Sequence[Window],
    places: Mapping[tuple[str, int], tuple[float, float]],
    site: Site,
    tags: Sequence[str],
) -> _Readings:
    receiver_index = {receiver.id: index for index, receiver in enumerate(site.receivers)}
    tag_index = {tag: index for index, tag in enumerate(tags)}
    rows = [
        (receiver_index[one.receiver], tag_index[one.identifier], one.mean_dbm, *place)
        for window in windows
        for one in window.readings
        if (place := places.get((one.identifier, window.second))) is not None
    ]
    table = np.array(rows, dtype=float).reshape(-1, 5)
    indices = table[:, :2].astype(np.intp)
    return _Readings(indices[:, 0], indices[:, 1], table[:, 2], table[:, 3:])


def _tag_offsets(readings: _Readings, deviation: Floats, above_db: Floats, tags: int) -> Floats:
    """What each tag is stronger than usual (tags,), dB: 0 on the median over the receivers.

    A reading counts where the tag would be heard anyway: `above_db` (n,) is how far the model is
    above that limit. A weak tag's limit is nearer; a strong one's stays, for what is heard from
    afar is strong by selection.
    """
    of_tag = np.zeros(tags)
    for _ in range(ROUNDS):
        clear = above_db + np.minimum(of_tag, 0)[readings.tag] > 0
        own = readings.of(clear)
        of_receiver = _medians(deviation[clear] - of_tag[own.tag], own.receiver)
        usual = float(np.median(list(of_receiver.values()))) if of_receiver else 0.0
        gain = np.array([of_receiver[index] - usual for index in own.receiver.tolist()])
        for tag, offset in _medians(deviation[clear] - gain, own.tag).items():
            of_tag[tag] = offset
    return of_tag


def _near(
    places: Mapping[tuple[str, int], tuple[float, float]],
    site: Site,
    usual: Radio,
    tag_offset_db: Mapping[str, float],
) -> Indices:
    """In how many seconds (r,) a tag was where each receiver should hear it well."""
    walked = np.array(list(places.values())).reshape(-1, 2)
    weak_db = np.array([min(tag_offset_db[tag], 0.0) for tag, _ in places]).reshape(-1, 1)
    level = expected_dbm(site.receivers, [usual] * len(site.receivers), walked) + weak_db
    return np.asarray((level > usual.threshold_dbm + CLEAR_DB).sum(axis=0))


def _medians(values: Floats, keys: Indices) -> dict[int, float]:
    return {int(key): float(np.median(values[keys == key])) for key in np.unique(keys)}


def _count(windows: Sequence[Window]) -> _Counts:
    counts = _Counts(len(windows), Counter(), Counter(), Counter())
    for window in windows:
        counts.alive.update(window.alive)
        counts.heard.update({one.receiver for one in window.readings})
        for one in window.readings:
            counts.packets[one.receiver] += one.packets
    return counts


def _fit(index: int, receivers: Sequence[Receiver], radio: Radio, found: _Compared) -> ReceiverFit:
    receiver, counts = receivers[index], found.counts
    own = found.level.at(index)
    mine = (found.level.receiver == index) & found.clear
    compared = found.deviation[mine]
    enough = len(compared) >= FEW
    return ReceiverFit(
        receiver=receiver,
        radio=radio,
        packets=counts.packets[receiver.id],
        heard_share=counts.heard[receiver.id] / max(counts.seconds, 1),
        alive_share=counts.alive[receiver.id] / max(counts.seconds, 1),
        near=int(found.near[index]),
        near_heard=len(compared),
        distance_m=_distances_m(receiver, radio, own.places),
        dbm=own.dbm,
        offset_db=float(np.median(compared)) if enough else np.nan,
        sd_db=float(compared.std()) if enough else np.nan,
        unlike_db=float(np.median(found.unlike[mine])) if enough else np.nan,
        doubts=(),
    )


def _usual_hearing(fits: Sequence[ReceiverFit]) -> float:
    """The share of the seconds with a tag near in which a receiver hears it: the median."""
    shares = [fit.near_heard / fit.near for fit in fits if fit.near >= FEW]
    return float(np.median(shares)) if shares else 0.0


def _doubts(
    index: int,
    fit: ReceiverFit,
    receivers: Sequence[Receiver],
    found: _Compared,
    usual_share: float,
) -> Iterator[str]:
    better = _better_place(fit, receivers, found.level.at(index), found.usual)
    if better is not None:
        yield f"sounds as if it stood where {better} does: were the two swapped?"
        return
    if fit.near >= FEW and fit.near_heard < DEAF * usual_share * fit.near:
        yield (
            f"heard a tag in {fit.near_heard} of the {fit.near} seconds in which one was near: "
            "is it switched on, and is its id right?"
        )
    if fit.near_heard >= MANY and abs(fit.unlike_db) > WRONG_DB:
        word = "stronger" if fit.unlike_db > 0 else "weaker"
        yield (
            f"hears tags {abs(fit.unlike_db):.0f} dB {word} than the usual receiver does: "
            "check its antenna and its place on the plan"
        )


def _better_place(
    fit: ReceiverFit, receivers: Sequence[Receiver], own: _Readings, usual: Radio
) -> str | None:
    """The neighbour at whose place the levels scatter clearly less about the model, if any."""
    if fit.near < FEW or len(own.dbm) < MANY:
        return None
    others = [one for one in receivers if one.id != fit.receiver.id]
    away_m = _distances_m(fit.receiver, usual, np.array([one.xy for one in others]))
    near = [fit.receiver, *(others[k] for k in np.argsort(away_m)[:NEIGHBOURS])]
    model = expected_dbm(near, [usual] * len(near), own.places)
    scatter_db = (own.dbm[:, None] - model).std(axis=0)
    best = int(scatter_db.argmin())
    return near[best].id if scatter_db[best] < scatter_db[0] - BETTER_DB else None


def _distances_m(receiver: Receiver, radio: Radio, places: Points) -> Floats:
    """From the antenna, as the model counts: on the slanted line, and at least a metre."""
    model = expected_dbm([receiver], [radio], places)[:, 0]
    return np.asarray(10 ** ((radio.power_dbm - model) / (10 * radio.exponent)))
