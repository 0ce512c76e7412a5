"""What the last day's windows teach of the receivers, stored and put in force."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.app.tuning import read_in_force
from gateway.model import Window
from gateway.site import Site
from gateway.store import calibrations, heard_eids, people, sightings
from gateway.store.database import Connection, Database
from gateway.store.sightings import StoredWindow
from gateway.tags.calibration import Calibration
from gateway.tags.identity import Directory
from gateway.tags.learning import learn

LONGEST_S = 23 * 3_600  # an hour less than windows are kept: none is deleted meanwhile
PIECE_S = 60


@dataclass(frozen=True, slots=True)
class Lesson:
    """`calibration` is None where too little was heard; `id` where another came into force."""

    calibration: Calibration | None
    id: int | None


class StoredWindows:
    """Stored windows, by time, as often as they are gone through: a minute of them in memory.

    Made on the event loop, gone through in another thread.
    """

    def __init__(self, database: Database, since: int, until: int) -> None:
        self._database = database
        self._since, self._until = since, until
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[Window]:
        """Each by the hub's clock."""
        since = self._since
        while piece := self._read(since):
            for one in piece:
                yield replace(one.window, second=one.second)
            since = piece[-1].second + 1

    def _read(self, since: int) -> list[StoredWindow]:
        work = self._database.read(_next_piece, since, self._until)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _next_piece(connection: Connection, since: int, until: int) -> list[StoredWindow]:
    first = sightings.next_second(connection, since, until)
    if first is None:
        return []
    return sightings.windows_between(connection, first, min(first + PIECE_S, until))


async def learn_stored(database: Database, site: Site, *, now: float) -> Lesson:
    """Learn from what came since the calibration in force, of a day at most. Raises StoreError.

    It takes minutes of a whole core, in the interpreter: beside a hub, do it in another process.
    """
    upon, previous = await database.read(read_in_force)
    directory = Directory(
        (*await database.read(heard_eids.identifiers), *await database.read(people.identifiers))
    )
    a_day_ago = int(now) - LONGEST_S
    since = max(a_day_ago, int(previous.at)) if previous.at < now else a_day_ago
    windows = StoredWindows(database, since, int(now))
    found = await asyncio.to_thread(learn, site, directory, windows, previous=previous)
    if found is None:
        return Lesson(None, None)
    return Lesson(found, await database.write(calibrations.add, found, upon=upon, at=now))
