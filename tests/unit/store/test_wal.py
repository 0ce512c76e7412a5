"""The WAL is copied back beside the writer, and never grows for ever."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import wal
from gateway.store.wal import Checkpoints, Round


class Writer:
    """A connection that writes, and what it was asked to do between two commits."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA wal_autocheckpoint = 0")
        self.connection.execute("CREATE TABLE t (body BLOB)")
        self.asked: list[Callable[[], None]] = []

    def write(self, pages: int) -> None:
        self.connection.execute("INSERT INTO t VALUES (zeroblob(?))", (4_096 * pages,))


class Town:
    """A writer, its checkpoints, and the time that they go by."""

    def __init__(self, path: Path) -> None:
        self.now = 100.0
        self.path = path
        self.writer = Writer(path)
        self.beside = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.checkpoints = Checkpoints(
            path,
            self.beside,
            writers_own=self.writer.connection,
            at_the_writer=self.writer.asked.append,
            monotonic=lambda: self.now,
        )

    def after(self, seconds: float) -> Round:
        """A commit so much later; what the round found that it began, if any."""
        self.now += seconds
        self.checkpoints.last = Round(-1, -1)
        round_ = self.checkpoints.committed()
        if round_ is not None:
            round_.result(10)
        return self.checkpoints.last


NONE = Round(-1, -1)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path / "hub.sqlite")
    with closing(town.writer.connection), closing(town.beside), closing(town.checkpoints):
        yield town


def test_a_round_copies_what_is_committed_once_it_is_due(town: Town) -> None:
    town.writer.write(50)
    assert town.after(wal.SHORTEST_S - 0.1) == NONE
    found = town.after(0.1)
    assert found.frames > 50
    assert found.copied == found.frames


def test_the_more_a_round_found_the_sooner_the_next_one_comes(town: Town) -> None:
    town.writer.write(10 * wal.WANTED_FRAMES)
    assert town.after(wal.SHORTEST_S) != NONE
    town.writer.write(1)
    assert town.after(wal.SHORTEST_S) != NONE
    assert town.after(wal.LONGEST_S - 1.0) == NONE  # it found next to nothing
    assert town.after(1.0) != NONE


def test_what_a_reader_still_needs_stays_in_the_wal_until_it_is_done(town: Town) -> None:
    with closing(sqlite3.connect(town.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchone()
        town.writer.write(50)
        found = town.after(wal.SHORTEST_S)
        assert found.copied < found.frames
        assert town.writer.asked == []
    found = town.after(wal.LONGEST_S)
    assert found.copied == found.frames


def test_where_writes_never_pause_the_writer_ends_a_round_and_the_wal_begins_anew(
    town: Town,
) -> None:
    with closing(sqlite3.connect(town.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchone()
        town.writer.write(wal.MOST_FRAMES)
        town.after(wal.SHORTEST_S)  # it does not reach the end, as where writes go on beside it
    (end,) = town.writer.asked
    end()
    assert town.checkpoints.last.copied == town.checkpoints.last.frames > wal.MOST_FRAMES
    town.writer.write(1)
    assert town.after(wal.LONGEST_S).frames < 10


def test_a_round_that_fails_is_tried_again(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.writer.write(50)
    town.beside.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    assert town.after(wal.SHORTEST_S) == Round(0, 0)
    assert "the WAL was not copied back" in capsys.readouterr().out
    town.beside.set_authorizer(None)
    assert town.after(wal.LONGEST_S).copied > 50
