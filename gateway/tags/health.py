"""Receivers that a technician must see to: dead, silent, deaf, moved or swapped.

All of it is judged by walks of tags whose places other receivers tell. A receiver that stands
elsewhere than stated misleads the tracker that is to find it out: so one that is only suspected is
left out of the next pass, and is judged by that.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np

from gateway.site import Receiver
from gateway.tags.arriving import detectable
from gateway.tags.evidence import Evidence
from gateway.tags.fitting import TEMPER, Belief, log10_distance
from gateway.tags.placing import LEAST_HEARD, Placing, Search
from gateway.tags.propagation import Floats, Radio

UNHEARD_NATS = 9.0  # silence that a healthy receiver would keep once in 8,000 times
WORSE_THAN_USUAL_DB = 8.0  # a wall beside it is no fault
DEAF_DB = 12.0
SURE_SDS = 2.0
SUSPECT_NATS = 4.0
SURE_NATS = 12.0
MOVED_PIVOTS = 0.5
KNOWN_PIVOTS = 0.4
SAME_PIVOTS = 0.75
BESIDE_PIVOTS = 0.9


class Fault(StrEnum):
    """What is wrong with a receiver.

    Dead: said to be alive, and hears nothing. Silent: its gateway has not heard of it. Deaf: hears
    far less than the others. Moved: stands elsewhere. Swapped: stands at another's place, and that
    one at its.
    """

    DEAD = "dead"
    SILENT = "silent"
    DEAF = "deaf"
    MOVED = "moved"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`nats` say how sure it is; `other` is whom a receiver is swapped with.

    `place` (east, north), metres, is where one that moved stands, where that is known.
    """

    receiver: str
    fault: Fault
    nats: float
    other: str = ""
    place: tuple[float, float] | None = None


def unheard(
    evidence: Evidence, receivers: Iterable[Receiver], radios: Mapping[str, Radio], offsets: Floats
) -> list[Verdict]:
    """Receivers that should have heard tags since they last did.

    `offsets` (tags,) dB are the tags'.
    """
    found = []
    for receiver in receivers:
        rows = np.flatnonzero(evidence.second > last_heard(evidence, receiver.id))
        radio = radios[receiver.id]
        loss = 10 * radio.exponent * log10_distance(evidence.points[rows], receiver)
        level = radio.power_dbm - WORSE_THAN_USUAL_DB - loss + offsets[evidence.tag[rows]][:, None]
        reached = detectable(level - radio.threshold_dbm)
        nats = -TEMPER * np.log1p(-radio.detection * reached.mean(axis=1))
        absent = np.isin(rows, evidence.absent[receiver.id])
        total = float(nats.sum())
        if total >= UNHEARD_NATS:
            fault = Fault.SILENT if nats[absent].sum() > total / 2 else Fault.DEAD
            found.append(Verdict(receiver.id, fault, round(total, 1)))
    return found


def last_heard(evidence: Evidence, receiver: str) -> int:
    """The last second of the evidence in which `receiver` heard anything; -1 for never."""
    return int(evidence.second[evidence.hearings[receiver].rows].max(initial=-1))


def deaf(beliefs: Mapping[str, Belief], *, heard: Iterable[str], pivot_m: float) -> list[Verdict]:
    """Receivers whose level at the pivot is far below the usual of those that `heard`."""
    levels = {
        one: beliefs[one].radio.power_dbm - 10 * beliefs[one].radio.exponent * np.log10(pivot_m)
        for one in heard
    }
    if len(levels) < 3:
        return []
    usual = float(np.median(list(levels.values())))
    found = []
    for one, level in levels.items():
        beyond_sds = (usual - DEAF_DB - level) / beliefs[one].level_sd_db
        if beyond_sds > SURE_SDS:
            found.append(Verdict(one, Fault.DEAF, round(beyond_sds**2 / 2, 1)))
    return found


def searches(
    evidence: Evidence,
    receivers: Sequence[Receiver],
    prior: Belief,
    *,
    offsets_db: Floats,
    pivot_m: float,
    packet_sd_db: float,
) -> dict[str, Search]:
    """Where each of `receivers` that heard enough seems to stand; others' spots are theirs."""
    spots = np.array([receiver.xy for receiver in receivers])
    found = {}
    for receiver in receivers:
        if len(evidence.hearings[receiver.id].rows) >= LEAST_HEARD:
            placing = Placing(
                evidence,
                receiver,
                prior,
                offsets_db=offsets_db,
                pivot_m=pivot_m,
                packet_sd_db=packet_sd_db,
            )
            found[receiver.id] = placing.search(spots)
    return found


def suspects(
    found: Mapping[str, Search], receivers: Sequence[Receiver], pivot_m: float
) -> set[str]:
    """Those that seem to stand elsewhere, however weak the sign: at most a third, or two."""
    gains = {
        receiver.id: search.best - search.stated
        for receiver in receivers
        if (search := found.get(receiver.id)) is not None
        and _away(receiver, search) > MOVED_PIVOTS * pivot_m
        and search.best - search.stated > SUSPECT_NATS
    }
    ranked = sorted(gains, key=lambda one: -gains[one])
    return set(ranked[: max(2, len(receivers) // 3)])


def accomplices(
    found: Mapping[str, Search],
    receivers: Sequence[Receiver],
    pivot_m: float,
    *,
    suspected: Set[str],
) -> set[str]:
    """Those stated to stand where the one that is suspected most seems to be.

    The two may be swapped, and the one that fits less badly may keep the tracker from seeing it.
    Where one of them is suspected already, the others are needed as witnesses.
    """
    gains = {one: found[one].best - found[one].stated for one in suspected & found.keys()}
    worst = max(gains, key=lambda one: gains[one], default=None)
    if worst is None or gains[worst] < SURE_NATS:
        return set()
    there = {
        receiver.id
        for receiver in receivers
        if receiver.id in found and _away(receiver, found[worst]) < BESIDE_PIVOTS * pivot_m
    }
    return set() if there & (suspected - {worst}) else there - {worst}


def misplaced(
    found: Mapping[str, Search],
    receivers: Sequence[Receiver],
    pivot_m: float,
    *,
    suspected: Set[str],
) -> list[Verdict]:
    """Which of those searched stand elsewhere, from evidence in which they had no say.

    One that was not `suspected` itself can only be swapped with one that was: without it, its
    surroundings may be known too badly to say more.
    """
    stated = {receiver.id: receiver for receiver in receivers}
    verdicts = {}
    for one, search in found.items():
        gain = search.best - search.stated
        if gain > SURE_NATS and _away(stated[one], search) > MOVED_PIVOTS * pivot_m:
            known = search.spread_m < KNOWN_PIVOTS * pivot_m
            place = search.place if known else None
            verdicts[one] = Verdict(one, Fault.MOVED, round(gain, 1), place=place)
    for one, other in combinations(sorted(verdicts), 2):
        pair = ((one, stated[other]), (other, stated[one]))
        if all(_away(there, found[this]) < SAME_PIVOTS * pivot_m for this, there in pair):
            for this, there in pair:
                verdicts[this] = replace(
                    verdicts[this], fault=Fault.SWAPPED, other=there.id, place=there.xy
                )
    return [
        verdict
        for one, verdict in verdicts.items()
        if one in suspected or verdict.other in suspected
    ]


def _away(receiver: Receiver, search: Search) -> float:
    return float(np.hypot(*(np.array(search.place) - receiver.xy)))
