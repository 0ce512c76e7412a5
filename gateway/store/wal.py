"""Copies what is committed from the WAL into the database file, beside the writer.

SQLite would do it inside a commit: on a card that holds the writer, and an SOS behind it, for as
long as a thousand scattered pages take.
"""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import structlog

WANTED_FRAMES = 1_000  # of 4 KB between two rounds, as SQLite's own: fewer write hot pages oftener
MOST_FRAMES = 4_000  # beyond it the writer itself ends the round, so that the WAL begins anew
SHORTEST_S, LONGEST_S = 1.0, 60.0
LONGEST_WAL_BYTES = 64_000_000  # what a long reader made it grow to is given back

_log = structlog.get_logger()


class Round(NamedTuple):
    """What a round found: frames in the WAL, and how many of them are in the database now."""

    frames: int
    copied: int


class Checkpoints:
    """`committed` is called by the writer after each commit; it returns at once.

    A round runs in a thread of its own, on a connection of its own, and no writer waits for it. The
    time between two follows from how much the last one found. The WAL begins anew at a commit that
    finds all of it copied: where writes never pause none does, and it would only grow. Then
    `at_the_writer` is asked to run a round's last, short part between two commits.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        at_the_writer: Callable[[Callable[[], None]], object],
        writers_own: sqlite3.Connection,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.last = Round(0, 0)
        """What the last round found."""
        self._path = path
        self._connection = connection
        self._at_the_writer = at_the_writer
        self._writers_own = writers_own
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, "store-checkpoint")
        self._every_s = SHORTEST_S
        self._begun_at = monotonic()
        self._running = False
        self._closed = False

    def committed(self) -> Future[None] | None:
        """On the writer's thread, after a commit: begin a round where one is due, and give it."""
        if self._running or self._monotonic() - self._begun_at < self._every_s:
            return None
        self._running = True
        return self._thread.submit(self._round)

    def close(self) -> None:
        """Wait for the round that runs; then the connections may be closed."""
        self._thread.shutdown()
        self._closed = True

    def _round(self) -> None:
        begun_at = self._monotonic()
        elapsed_s, self._begun_at = begun_at - self._begun_at, begun_at
        found = self._copy(self._connection)
        wanted_s = elapsed_s * WANTED_FRAMES / max(found.frames, 1)
        self._every_s = min(max(wanted_s, SHORTEST_S), LONGEST_S)
        self.last = found
        if found.frames > MOST_FRAMES:
            self._at_the_writer(self._end)
        self._running = False

    def _end(self) -> None:
        if not self._closed:
            self.last = self._copy(self._writers_own)

    def _copy(self, connection: sqlite3.Connection) -> Round:
        try:
            _, frames, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # nothing is lost: the WAL has it, and the next round tries
            _log.error("the WAL was not copied back", database=str(self._path), reason=str(error))
            return Round(0, 0)
        return Round(frames, copied)
