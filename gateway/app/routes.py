"""What the tracker believed becomes routes: final points into the database, newer ones in memory.

The newest minute of a way may still change, and is not written: a hub that starts steps it again.
"""

from collections.abc import Collection, Sequence

from gateway.model import RoutePoint
from gateway.site import Site
from gateway.store import outings
from gateway.store.database import Connection
from gateway.tags.pipeline import Step
from gateway.tags.trails import Told, Trails


class Routes:
    """One site's routes. `follow` runs in the tracker's thread, the rest on the event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.begin_anew()

    def begin_anew(self) -> None:
        """As a hub that starts: what comes now is of before what was told."""
        self._trails = Trails(self._site)
        self._confirmed: dict[str, list[RoutePoint]] = {}

    def follow(self, step: Step) -> Told:
        """What the next step tells of the ways so far."""
        return self._trails.update(step.estimates)

    def note(self, told: Told) -> None:
        """Remember what is confirmed; forget what is final, once that is written."""
        for point in told.confirmed:
            self._confirmed.setdefault(point.tag, []).append(point)
        for tag, through in told.final:
            rest = [point for point in self._confirmed.pop(tag, ()) if point.at > through]
            if rest:
                self._confirmed[tag] = rest

    def recent(self, tags: Collection[str]) -> Sequence[RoutePoint]:
        """The confirmed points of `tags` that are not final, by tag and time."""
        return [point for tag in tags for point in self._confirmed.get(tag, ())]


def write(connection: Connection, told: Told, *, since: float = 0.0) -> None:
    """Keep the final points after `since`, in the transaction of the step that told them."""
    outings.add(connection, [one for one in told.route if one.at > since])
