import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.system.chaos.faults.files import garble_header, remove, tear, truncate

ROWS = 200


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """A database as a process leaves it that was killed: every row is in its log only."""
    file, copy = tmp_path / "live.sqlite", tmp_path / "outbox.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE row (number INTEGER, body BLOB)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(ROWS):
            db.execute("INSERT INTO row VALUES (?, zeroblob(100))", (number,))
        for part in ("", "-wal"):
            copy.with_name(copy.name + part).write_bytes(
                file.with_name(file.name + part).read_bytes()
            )
    return copy


def rows(file: Path) -> int:
    with closing(sqlite3.connect(file)) as db:
        ((count,),) = db.execute("SELECT count(*) FROM row")
        return int(count)


def test_an_outbox_that_nobody_damaged_has_every_row(outbox: Path) -> None:
    assert rows(outbox) == ROWS


@pytest.mark.parametrize("damage", [tear, truncate])
def test_a_damaged_log_loses_the_last_rows(outbox: Path, damage: object) -> None:
    damage(outbox, Random(5))  # type: ignore[operator] # any of the damages
    assert 0 < rows(outbox) < ROWS


def test_a_log_may_be_shorter_than_what_is_torn_off_it(outbox: Path) -> None:
    wal = outbox.with_name("outbox.sqlite-wal")
    wal.write_bytes(wal.read_bytes()[:100])
    truncate(outbox, Random(5))
    assert rows(outbox) == 0
    tear(outbox, Random(5))
    assert rows(outbox) == 0


def test_a_garbled_header_is_no_database(outbox: Path) -> None:
    garble_header(outbox, Random(5))
    with pytest.raises(sqlite3.DatabaseError):
        rows(outbox)


def test_a_removed_outbox_leaves_nothing(outbox: Path) -> None:
    remove(outbox, Random(5))
    assert not list(outbox.parent.glob("outbox.sqlite*"))
