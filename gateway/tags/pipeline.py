"""From the windows of one second to positions and zone events: the recipe of the tags' wing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Position, Presence, Reading, Window, ZoneEvent
from gateway.site import Site
from gateway.tags.fix import Fix
from gateway.tags.follower import Follower, Seen
from gateway.tags.identity import Directory
from gateway.tags.propagation import Radio
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
    its presence says how. `estimates` are those that live positions were made of, by tag, for
    smoothing afterwards.
    """

    positions: tuple[Position, ...]
    events: tuple[ZoneEvent, ...]
    changes: tuple[PresenceChange, ...]
    estimates: tuple[tuple[str, Estimate], ...]


class Pipeline:
    """The tags of one site. `directory` may be replaced between steps."""

    def __init__(
        self, site: Site, directory: Directory, *, radios: Mapping[str, Radio] | None = None
    ) -> None:
        """`radios` are calibrated receivers. Raises SiteError where nothing can be located."""
        self.directory = directory
        self._site = site
        self._ground = Ground(site, radios)
        self._zones = [zone.id for zone in site.zones]
        self._nobody = np.zeros(len(site.receivers), dtype=bool)
        self._paths = [path.id for path in site.paths]
        self._followers: dict[str, Follower] = {}
        self._second: int | None = None

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
                zones=self._likely_zones(fix),
                path=self._paths[fix.path] if fix.path >= 0 else "",
                path_probability=round(fix.path_probability, 3),
            )
            for (tag, estimate, fix, presence), (lon, lat) in zip(
                rows, self._site.to_lonlat(points).tolist(), strict=True
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
        tags: dict[str, dict[int, list[Reading]]] = {}
        for window in windows:
            for reading in window.readings:
                known = self.directory.find(reading.identifier)
                number = self._ground.numbers.get(reading.receiver)
                if known is not None and number is not None:
                    tags.setdefault(known.tag, {}).setdefault(number, []).append(reading)
        return {tag: _heard(by_receiver) for tag, by_receiver in tags.items()}

    def _follow(
        self, second: int, heard: Mapping[str, Heard], alive: NDArray[np.bool_]
    ) -> list[Seen]:
        for tag in heard.keys() - self._followers.keys():
            self._followers[tag] = Follower(tag, self._ground, self._zones)
        updates = (
            follower.update(second, heard.get(tag, _UNHEARD), alive)
            for tag, follower in sorted(self._followers.items())
        )
        return [seen for seen in updates if seen is not None]

    def _report(self, second: int, seen: Sequence[Seen]) -> Step:
        at = second + 1.0
        live = (one for one in seen if not one.ended)
        return Step(
            positions=tuple(
                self.positions((one.tag, one.estimate, one.fix, one.presence) for one in seen)
            ),
            events=tuple(event for one in seen for event in one.events),
            changes=tuple(PresenceChange(at, o.tag, o.presence) for o in seen if o.changed),
            estimates=tuple((one.tag, one.estimate) for one in live),
        )

    def _likely_zones(self, fix: Fix) -> tuple[tuple[str, float], ...]:
        likely = [
            (zone, round(probability, 4))
            for zone, probability in zip(self._zones, fix.zones.tolist(), strict=True)
            if probability >= LEAST_ZONE_PROBABILITY
        ]
        return tuple(sorted(likely, key=lambda pair: -pair[1]))


def _heard(by_receiver: Mapping[int, Sequence[Reading]]) -> Heard:
    """The strongest first."""
    rows = [(*_joined(readings), number) for number, readings in by_receiver.items()]
    rows.sort(key=lambda row: (-row[0], row[2]))
    dbm, packets, numbers = zip(*rows, strict=True)
    return Heard(
        np.array(numbers, dtype=np.int32),
        np.array(dbm, dtype=np.float32),
        np.array(packets, dtype=np.float32),
    )


def _joined(readings: Sequence[Reading]) -> tuple[float, int]:
    """Mean level, dBm, and number of packets."""
    if len(readings) == 1:
        return readings[0].mean_dbm, readings[0].packets
    packets = sum(reading.packets for reading in readings)
    total = sum(reading.mean_dbm * reading.packets for reading in readings)
    return total / packets, packets


_UNHEARD = Heard(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float32))
