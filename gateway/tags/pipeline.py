"""From the windows of one second to positions and zone events: the recipe of the tags' wing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Position, Presence, Window, ZoneEvent
from gateway.site import Site
from gateway.tags.fix import Fix
from gateway.tags.follower import Follower, Seen, follow
from gateway.tags.identity import Directory
from gateway.tags.propagation import Radio
from gateway.tags.survey import Survey
from gateway.tags.tile import Ground
from gateway.tags.tracker import LONGEST_PATIENCE_S, Estimate
from gateway.tags.weighing import Heard

LEAST_ZONE_PROBABILITY = 0.01


class PresenceChange(NamedTuple):
    """What is known of a tag is of another kind since `at`."""

    at: float
    tag: str
    presence: Presence


@dataclass(frozen=True, slots=True)
class Step:
    """What one second brought.

    `positions` has one for every tag with a live track, and the last one of every track that ended:
    its presence says how. `retracted` are events of earlier steps that had not happened after all.
    `estimates` are those that live positions were made of, by tag, for
    smoothing afterwards.
    """

    positions: tuple[Position, ...]
    events: tuple[ZoneEvent, ...]
    retracted: tuple[ZoneEvent, ...]
    changes: tuple[PresenceChange, ...]
    estimates: tuple[tuple[str, Estimate], ...]


class Pipeline:
    """The tags of one site. `directory` may be replaced between steps."""

    def __init__(
        self,
        site: Site,
        directory: Directory,
        *,
        radios: Mapping[str, Radio] | None = None,
        survey: Survey | None = None,
    ) -> None:
        """`radios` are calibrated receivers. Raises SiteError where nothing can be located."""
        self.directory = directory
        self._site = site
        self._ground = Ground(site, radios=radios, survey=survey)
        self._survey = survey
        self._zones = [zone.id for zone in site.zones]
        self._nobody = np.zeros(len(site.receivers), dtype=bool)
        self._paths = [path.id for path in site.paths]
        self._followers: dict[str, Follower] = {}
        self._second: int | None = None

    def retune(self, site: Site, radios: Mapping[str, Radio]) -> None:
        """Go on with what was learned of the receivers: `site` differs in nothing but these."""
        self._ground = Ground(site, radios=radios, survey=self._survey)
        self._nobody = np.zeros(len(site.receivers), dtype=bool)
        for follower in self._followers.values():
            follower.move_to(self._ground, second=self._second or 0)

    def step(self, second: int, windows: Sequence[Window]) -> Step:
        """All windows of `second`, of all gateways; none is no news from anywhere.

        Seconds may be left out: then nobody listened. Where time ran backwards, tracks begin anew.
        """
        self._pass_over(second)
        heard = self._heard_by_tag(windows)
        alive = self._alive(windows)
        seen = self._follow(second, heard, alive)
        return self._report(second, seen)

    def positions(self, found: Iterable[tuple[str, Estimate, Fix, Presence]]) -> list[Position]:
        """Positions at the end of their estimates' seconds."""
        rows = list(found)
        points = np.array([fix.xy for _, _, fix, _ in rows]).reshape(-1, 2)
        return [
            Position(
                at=estimate.second + 1.0,
                tag=tag,
                lon=lon,
                lat=lat,
                radius68_m=fix.radius68_m,
                radius95_m=fix.radius95_m,
                n_heard=estimate.n_heard,
                presence=presence,
                zones=zones,
                path=self._paths[fix.path] if fix.path >= 0 else "",
                path_probability=round(fix.path_probability, 3),
            )
            for (tag, estimate, fix, presence), (lon, lat), zones in zip(
                rows,
                self._site.to_lonlat(points).tolist(),
                self._likely_zones([fix for _, _, fix, _ in rows]),
                strict=True,
            )
        ]

    def _pass_over(self, second: int) -> None:
        """Be ready for `second`, whatever the last one was."""
        if self._second is not None and second <= self._second:
            self._followers.clear()
        elif self._second is not None:
            for missed in range(max(self._second + 1, second - LONGEST_PATIENCE_S), second):
                self._follow(missed, {}, self._nobody)
        self._second = second

    def _alive(self, windows: Sequence[Window]) -> NDArray[np.bool_]:
        numbers = self._ground.numbers
        alive = self._nobody.copy()
        alive[[numbers[one] for window in windows for one in window.alive if one in numbers]] = True
        return alive

    def _heard_by_tag(self, windows: Sequence[Window]) -> dict[str, Heard]:
        """What was heard of each tag; its several identifiers are joined."""
        find, numbers = self.directory.find, self._ground.numbers
        rows: dict[str, int] = {}
        levels: list[tuple[int, int, float, int]] = []
        for window in windows:
            for receiver, identifier, mean_dbm, _, packets in window.readings:
                known, number = find(identifier), numbers.get(receiver)
                if known is not None and number is not None:
                    row = rows.setdefault(known.tag, len(rows))
                    levels.append((row, number, mean_dbm, packets))
        return dict(zip(rows, _heard(levels, tags=len(rows)), strict=True))

    def _follow(
        self, second: int, heard: Mapping[str, Heard], alive: NDArray[np.bool_]
    ) -> list[Seen]:
        for tag in heard.keys() - self._followers.keys():
            self._followers[tag] = Follower(tag, self._ground, self._zones)
        followers = [follower for _, follower in sorted(self._followers.items())]
        return follow(followers, second, heard, alive)

    def _report(self, second: int, seen: Sequence[Seen]) -> Step:
        at = second + 1.0
        live = (one for one in seen if not one.ended)
        return Step(
            positions=tuple(
                self.positions((one.tag, one.estimate, one.fix, one.presence) for one in seen)
            ),
            events=tuple(event for one in seen for event in one.told.events),
            retracted=tuple(event for one in seen for event in one.told.retracted),
            changes=tuple(PresenceChange(at, o.tag, o.presence) for o in seen if o.changed),
            estimates=tuple((one.tag, one.estimate) for one in live),
        )

    def _likely_zones(self, fixes: Sequence[Fix]) -> list[tuple[tuple[str, float], ...]]:
        """Those worth telling of every fix, the likeliest first."""
        likely: list[list[tuple[str, float]]] = [[] for _ in fixes]
        if not fixes or not self._zones:
            return [() for _ in fixes]
        probabilities = np.concatenate([fix.zones for fix in fixes])
        here = np.flatnonzero(probabilities >= LEAST_ZONE_PROBABILITY)
        shares = np.round(probabilities[here].astype(float), 4).tolist()
        for place, share in zip(here.tolist(), shares, strict=True):
            row, zone = divmod(place, len(self._zones))
            likely[row].append((self._zones[zone], share))
        return [tuple(sorted(zones, key=lambda pair: -pair[1])) for zones in likely]


def _heard(levels: Sequence[tuple[int, int, float, int]], *, tags: int) -> list[Heard]:
    """Of rows (tag, receiver, mean level, packets): what was heard of each, the strongest first.

    What one receiver heard of several identifiers of a tag is joined.
    """
    tag, receiver, dbm, packets = np.array(levels).reshape(-1, 4).T
    count = receiver.max(initial=0) + 1
    pairs, which = np.unique(tag * count + receiver, return_inverse=True)
    total = np.bincount(which, packets)
    mean = np.bincount(which, dbm * packets) / total
    tag, receiver = np.divmod(pairs, count)
    order = np.lexsort((receiver, -mean, tag))
    receivers = receiver[order].astype(np.int32)
    levels_dbm, counts = mean[order].astype(np.float32), total[order].astype(np.float32)
    firsts = np.searchsorted(tag[order], np.arange(tags + 1)).tolist()
    return [Heard(receivers[a:b], levels_dbm[a:b], counts[a:b]) for a, b in pairwise(firsts)]
