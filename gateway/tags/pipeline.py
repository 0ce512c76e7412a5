"""From the windows of one second to positions and zone events: the recipe of the tags' wing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from gateway.model import Position, Presence, Window, ZoneEvent
from gateway.site import Site
from gateway.tags.fix import Fix
from gateway.tags.follower import PRESENCES, Followers, Seen
from gateway.tags.hearing import Hearing, heard_by_row
from gateway.tags.identity import Directory
from gateway.tags.motion import Singles
from gateway.tags.propagation import Radio
from gateway.tags.survey import Survey
from gateway.tags.tile import Ground
from gateway.tags.tracker import LONGEST_PATIENCE_S, Estimate
from gateway.tags.weighing import Doubles

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
    `estimates` are those that live positions were made of, by tag, for smoothing afterwards; each
    is made when it is asked for.
    """

    positions: tuple[Position, ...]
    events: tuple[ZoneEvent, ...]
    retracted: tuple[ZoneEvent, ...]
    changes: tuple[PresenceChange, ...]
    estimates: Sequence[tuple[str, Estimate]]


class Estimates(Sequence[tuple[str, Estimate]]):
    """Of `tags`: those that `seen` has at the places `live`."""

    def __init__(self, tags: Sequence[str], seen: Seen, live: Sequence[int]) -> None:
        self._tags = tags
        self._seen = seen
        self._live = live

    def __len__(self) -> int:
        return len(self._tags)

    @overload
    def __getitem__(self, index: int) -> tuple[str, Estimate]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[str, Estimate]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> tuple[str, Estimate] | Sequence[tuple[str, Estimate]]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        return self._tags[index], self._seen.estimate(self._live[index])


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
        self._paths = ["", *(path.id for path in site.paths)]
        self._followers = Followers(self._ground, self._zones)
        self._second: int | None = None

    def retune(self, site: Site, radios: Mapping[str, Radio]) -> None:
        """Go on with what was learned of the receivers: `site` differs in nothing but these."""
        self._ground = Ground(site, radios=radios, survey=self._survey)
        self._followers.move_to(self._ground, second=self._second or 0)

    def step(self, second: int, windows: Sequence[Window]) -> Step:
        """All windows of `second`, of all gateways; none is no news from anywhere.

        Seconds may be left out: then nobody listened. Where time ran backwards, tracks begin anew.
        """
        self._pass_over(second)
        return self._report(second, self._followers.follow(second, self._hearing(windows)))

    def positions(self, found: Iterable[tuple[str, Estimate, Fix, Presence]]) -> list[Position]:
        """Positions at the end of their estimates' seconds."""
        rows = list(found)
        points = [
            (*fix.xy, fix.radius68_m, fix.radius95_m, fix.path, fix.path_probability)
            for _, _, fix, _ in rows
        ]
        return self._positions(
            at=[estimate.second + 1.0 for _, estimate, _, _ in rows],
            tags=[tag for tag, _, _, _ in rows],
            points=np.array(points, dtype=float).reshape(-1, 6),
            n_heard=[estimate.n_heard for _, estimate, _, _ in rows],
            presences=[presence for _, _, _, presence in rows],
            zones=np.array([fix.zones for _, _, fix, _ in rows]).reshape(
                len(rows), len(self._zones)
            ),
        )

    def _positions(
        self,
        *,
        at: Iterable[float],
        tags: Sequence[str],
        points: Doubles,
        n_heard: Sequence[int],
        presences: Sequence[Presence],
        zones: Singles,
    ) -> list[Position]:
        """Columns, not rows: thousands of small objects a second keep the garbage collector busy.

        `points` (n, 6) are those of `fix.summary`, `zones` (n, z).
        """
        lon, lat = self._site.to_lonlat(points[:, :2]).T.tolist()
        _, _, radius68_m, radius95_m, _, share = np.round(points, 3).T.tolist()
        paths = [self._paths[path] for path in (points[:, 4].astype(int) + 1).tolist()]
        likely = self._likely_zones(zones)
        columns = (at, tags, lon, lat, radius68_m, radius95_m, n_heard, presences, likely)
        return list(map(Position, *columns, paths, share))

    def _pass_over(self, second: int) -> None:
        """Be ready for `second`, whatever the last one was."""
        if self._second is not None and second <= self._second:
            self._followers = Followers(self._ground, self._zones)
        elif self._second is not None:
            for missed in range(max(self._second + 1, second - LONGEST_PATIENCE_S), second):
                self._followers.follow(missed, self._hearing(()))
        self._second = second

    def _alive(self, windows: Sequence[Window]) -> NDArray[np.bool_]:
        numbers = self._ground.numbers
        alive = np.zeros(len(numbers), dtype=bool)
        alive[[numbers[one] for window in windows for one in window.alive if one in numbers]] = True
        return alive

    def _hearing(self, windows: Sequence[Window]) -> Hearing:
        """What was heard of each tag; its several identifiers are joined."""
        readings = [reading for window in windows for reading in window.readings]
        receivers, identifiers, dbm, packets = (map(itemgetter(k), readings) for k in (0, 1, 2, 4))
        find, followers = self.directory.find, self._followers
        tags = [known.tag if known else "" for known in map(find, identifiers)]
        for tag in sorted(set(tags) - followers.rows.keys() - {""}):
            followers.add(tag)
        rows = list(map(followers.rows.get, tags, repeat(-1)))
        numbers = list(map(self._ground.numbers.get, receivers, repeat(-1)))
        firsts, heard = heard_by_row(
            rows, numbers, list(dbm), list(packets), count=len(followers.tags)
        )
        return Hearing(firsts, heard, self._alive(windows))

    def _report(self, second: int, seen: Seen) -> Step:
        at, told = second + 1.0, seen.told.outcomes
        tags = [self._followers.tags[row] for row in seen.rows.tolist()]
        presences = [PRESENCES[code] for code in seen.presence.tolist()]
        live = np.flatnonzero(~seen.ended).tolist()
        return Step(
            positions=tuple(
                self._positions(
                    at=repeat(at),
                    tags=tags,
                    points=told.points[seen.at],
                    n_heard=told.heard[seen.at].tolist(),
                    presences=presences,
                    zones=told.zones[seen.at],
                )
            ),
            events=seen.crossings.events,
            retracted=seen.crossings.retracted,
            changes=tuple(
                PresenceChange(at, tags[k], presences[k])
                for k in np.flatnonzero(seen.changed).tolist()
            ),
            estimates=Estimates([tags[k] for k in live], seen, live),
        )

    def _likely_zones(self, chances: Singles) -> list[tuple[tuple[str, float], ...]]:
        """Those worth telling of every fix (n, z), the likeliest first."""
        found: list[tuple[tuple[str, float], ...]] = [()] * len(chances)
        rows, zones = np.nonzero(chances >= LEAST_ZONE_PROBABILITY)
        shares = chances[rows, zones]
        order = np.lexsort((-shares, rows))
        shares = np.round(shares[order].astype(float), 4)
        for row, zone, share in zip(
            rows[order].tolist(), zones[order].tolist(), shares.tolist(), strict=True
        ):
            found[row] += ((self._zones[zone], share),)
        return found
