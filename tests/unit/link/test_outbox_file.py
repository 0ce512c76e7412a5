import resource
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gateway.clock import ClockSetting
from gateway.link.envelope import Kind, Stream, encode_items
from gateway.link.outbox_errors import OutboxError
from gateway.link.outbox_file import (
    DROPPED,
    ROW_OVERHEAD_BYTES,
    SMALL_BYTES,
    Append,
    OutboxFile,
    OutboxReader,
    Received,
    no_setting,
    open_outbox,
)
from gateway.model import Gap, Lane
from tests.unit.link.world import items_of, press

PLENTY = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def row(lane: Lane, at: float, *, size: int = 0, heartbeat: float | None = None) -> Append:
    items = encode_items([press(int(at), size=size)])
    return Append(lane, Kind.PRESS, items, since=at, until=at + 1, heartbeat=heartbeat)


def open_both(
    path: Path, opened: ExitStack, *, max_bytes: int = PLENTY, free_bytes: int = PLENTY
) -> tuple[OutboxFile, OutboxReader]:
    file, _ = open_outbox(
        path, setting=no_setting, max_bytes=max_bytes, free_bytes=lambda _: free_bytes
    )
    opened.callback(file.close)
    reader = OutboxReader(path)
    reader.open()
    opened.callback(reader.close)
    return file, reader


def seqs(reader: OutboxReader, lane: Lane) -> list[int]:
    return [held.seq for held in reader.read(lane, after=0, limit=1_000)]


def only_gap(reader: OutboxReader, lane: Lane) -> Gap:
    rows = reader.read(lane, after=0, limit=1_000)
    gaps = [
        msgspec.json.decode(items_of(held), type=list[Gap])[0]
        for held in rows
        if held.kind == Kind.GAP
    ]
    assert len(gaps) == 1
    return gaps[0]


def test_seqs_count_per_lane_and_go_on_after_reopening(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    lanes = [Lane.LIVE, Lane.LIVE, Lane.URGENT]
    assert file.transact([row(lane, 1.0) for lane in lanes], receipted={}) == [1, 2, 1]
    file.transact([], receipted={Lane.LIVE: 2})
    opened.close()
    again, reader = open_both(path, opened)
    assert again.transact([row(Lane.LIVE, 2.0)], receipted={}) == [3]
    assert seqs(reader, Lane.LIVE) == [3]


def test_heartbeat_and_epochs_are_those_of_the_file(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    assert file.heartbeat is None
    file.transact([row(Lane.LIVE, 7.0, heartbeat=8.0), row(Lane.URGENT, 9.0)], receipted={})
    epochs = file.epochs
    opened.close()
    again, _ = open_both(path, opened)
    assert again.heartbeat == 8.0
    assert [one.name for one in again.epochs.all][:-1] == [one.name for one in epochs.all]


def test_two_files_have_different_epochs(tmp_path: Path, opened: ExitStack) -> None:
    one, _ = open_both(tmp_path / "one", opened)
    two, _ = open_both(tmp_path / "two", opened)
    assert one.epochs.newest.name != two.epochs.newest.name


def test_each_opening_writes_in_an_epoch_of_its_own(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    file.transact([row(Lane.LIVE, 1.0), row(Lane.LIVE, 2.0)], receipted={})
    before = file.epochs.newest
    opened.close()
    again, _ = open_both(path, opened)
    again.transact([row(Lane.LIVE, 3.0)], receipted={})
    assert again.epochs.of(Lane.LIVE, 2) == before
    newest = again.epochs.of(Lane.LIVE, 3)
    assert (newest.bases[Lane.LIVE], newest.before[Lane.LIVE]) == (2, (before.name, 2))


def test_a_file_that_went_back_gives_no_number_twice(path: Path, opened: ExitStack) -> None:
    """What a card loses that had acknowledged it: the rows after the copy were sent."""
    file, _ = open_both(path, opened)
    file.transact([row(Lane.LIVE, 1.0)], receipted={})
    copied = file.epochs
    opened.close()
    copy = path.read_bytes()
    lost, _ = open_both(path, opened)
    lost.transact([row(Lane.LIVE, 2.0)], receipted={})
    opened.close()
    path.write_bytes(copy)
    again, _ = open_both(path, opened)
    again.transact([row(Lane.LIVE, 3.0)], receipted={})
    mine = again.epochs.of(Lane.LIVE, 2).name
    assert mine not in lost.epochs
    assert mine not in copied


def test_a_row_under_another_setting_of_the_clock_begins_an_epoch(
    path: Path, opened: ExitStack
) -> None:
    file, _ = open_both(path, opened)
    late, early = ClockSetting("b", 100.0), ClockSetting("b", 40.0, known=False)
    writes = [replace(row(Lane.LIVE, 1.0), setting=one) for one in (early, late, late)]
    file.transact(writes, receipted={})
    settings = [file.epochs.of(Lane.LIVE, seq).setting for seq in (1, 2, 3)]
    assert settings == [early, late, late]
    assert file.epochs.captured(file.epochs.of(Lane.LIVE, 1))[0] == 60.0


def test_a_gap_does_not_reach_from_one_epoch_into_another(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    file.transact([row(Lane.BACKLOG, float(at), size=500) for at in (1, 2, 3)], receipted={})
    opened.close()
    file, reader = open_both(path, opened, max_bytes=3_000)
    for at in range(4, 20):
        file.transact([row(Lane.BACKLOG, float(at), size=500)], receipted={})
    old, new, *held = reader.read(Lane.BACKLOG, after=0, limit=100)
    gaps = [msgspec.json.decode(items_of(one), type=list[Gap])[0] for one in (old, new)]
    assert (gaps[0].from_seq, gaps[0].to_seq) == (1, 3)
    assert (gaps[1].from_seq, gaps[1].to_seq) == (1, new.seq - 3)
    assert [one.seq for one in held] == list(range(new.seq + 1, 20))


def test_a_full_outbox_puts_one_gap_in_the_place_of_its_oldest_rows(
    path: Path, opened: ExitStack
) -> None:
    file, reader = open_both(path, opened, max_bytes=10_000)
    for at in range(1, 41):
        file.transact([row(Lane.BACKLOG, float(at), size=500)], receipted={})
        assert file.size_bytes <= 10_000
    held = seqs(reader, Lane.BACKLOG)
    gap = only_gap(reader, Lane.BACKLOG)
    assert (gap.from_seq, gap.to_seq, gap.reason) == (1, held[0], DROPPED)
    assert (gap.since, gap.until) == (1.0, held[0] + 1.0)
    assert held[1:] == list(range(held[0] + 1, 41))
    assert file.dropped_rows == held[0]
    assert reader.first(Lane.BACKLOG) == 1


def test_backlog_is_dropped_before_live_and_urgent_never(path: Path, opened: ExitStack) -> None:
    file, reader = open_both(path, opened, max_bytes=10_000)
    for at in range(1, 6):
        writes = [row(lane, float(at), size=500) for lane in Lane]
        file.transact(writes, receipted={})
    assert seqs(reader, Lane.LIVE) == [1, 2, 3, 4, 5]
    assert only_gap(reader, Lane.BACKLOG).from_seq == 1
    for at in range(6, 30):
        file.transact([row(Lane.URGENT, float(at), size=500)], receipted={})
    assert seqs(reader, Lane.URGENT) == list(range(1, 30))
    assert only_gap(reader, Lane.LIVE).to_seq == 5


def test_a_row_that_finds_only_urgent_ones_becomes_a_gap_itself(
    path: Path, opened: ExitStack
) -> None:
    file, reader = open_both(path, opened, max_bytes=5_000)
    file.transact([row(Lane.URGENT, 1.0, size=6_000)], receipted={})
    assert file.transact([row(Lane.LIVE, 2.0)], receipted={}) == [1]
    gap = only_gap(reader, Lane.LIVE)
    assert (gap.from_seq, gap.to_seq, gap.since, gap.until) == (1, 1, 2.0, 3.0)


def test_receipted_rows_go_before_others_are_dropped(path: Path, opened: ExitStack) -> None:
    file, reader = open_both(path, opened, max_bytes=2_000)
    writes = [row(Lane.LIVE, float(at), size=300) for at in range(1, 4)]
    file.transact(writes, receipted={})
    file.transact([row(Lane.LIVE, 4.0, size=300)], receipted={Lane.LIVE: 3})
    assert seqs(reader, Lane.LIVE) == [4]
    assert file.dropped_rows == 0


def test_on_a_nearly_full_disk_a_large_outbox_stops_growing(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    big = SMALL_BYTES // 10
    file.transact([row(Lane.BACKLOG, float(at), size=big) for at in range(20)], receipted={})
    opened.close()
    file, reader = open_both(path, opened, free_bytes=1_000_000)
    before = file.size_bytes
    file.transact([row(Lane.LIVE, 30.0, size=big)], receipted={})
    assert file.size_bytes <= before
    assert seqs(reader, Lane.LIVE) == [1]
    assert only_gap(reader, Lane.BACKLOG).from_seq == 1


def test_on_a_nearly_full_disk_a_small_outbox_still_takes_rows(
    path: Path, opened: ExitStack
) -> None:
    file, reader = open_both(path, opened, free_bytes=1_000_000)
    file.transact([row(Lane.LIVE, 1.0, size=50_000)] * 3, receipted={})
    assert seqs(reader, Lane.LIVE) == [1, 2, 3]
    assert file.dropped_rows == 0


def test_sizes_are_counted_anew_on_opening(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened, max_bytes=10_000)
    for at in range(1, 41):
        file.transact([row(Lane.BACKLOG, float(at), size=500)], receipted={})
    counted, rows = file.size_bytes, dict(file.rows)
    opened.close()
    again, _ = open_both(path, opened)
    assert (again.size_bytes, dict(again.rows)) == (counted, rows)


def test_marks_and_documents_are_stored_together(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    stream = Stream("hub", "e9", Lane.URGENT)
    assert (file.marks(), file.documents()) == ({}, {})
    told = {"orders": b"{}", "overrides": b"[1]"}
    file.transact([Received(marks={stream: 3}, documents=told)], receipted={})
    file.transact([Received(marks={stream: 4}, documents={"overrides": b"[]"})], receipted={})
    opened.close()
    again, _ = open_both(path, opened)
    assert again.marks() == {stream: 4}
    assert again.documents() == {"orders": b"{}", "overrides": b"[]"}


def test_a_row_is_stored_with_the_documents_that_it_brings(path: Path, opened: ExitStack) -> None:
    file, reader = open_both(path, opened)
    file.transact([replace(row(Lane.URGENT, 1.0), documents={"faults": b"[1]"})], receipted={})
    assert seqs(reader, Lane.URGENT) == [1]
    assert file.documents() == {"faults": b"[1]"}


FIRST_FORMAT = """
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE row (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, from_seq INTEGER NOT NULL, kind TEXT NOT NULL,
    since REAL NOT NULL, until REAL NOT NULL, items BLOB NOT NULL, PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE mark (
    sender TEXT NOT NULL, epoch TEXT NOT NULL, lane TEXT NOT NULL, mark INTEGER NOT NULL,
    PRIMARY KEY (sender, epoch, lane)
) WITHOUT ROWID;
CREATE TABLE orders (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
INSERT INTO state VALUES ('epoch', 'old'), ('heartbeat', 5.0);
INSERT INTO state VALUES ('last_urgent', 2), ('last_live', 1), ('last_backlog', 9);
INSERT INTO orders VALUES (1, '{}');
PRAGMA user_version = 1;
"""
SECOND_FORMAT = """
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO document SELECT 'orders', CAST(body AS BLOB) FROM orders;
DROP TABLE orders;
PRAGMA user_version = 2;
"""


@pytest.mark.parametrize("formats", [[FIRST_FORMAT], [FIRST_FORMAT, SECOND_FORMAT]])
def test_a_file_of_an_older_format_is_brought_up_to_date_with_its_rows(
    path: Path, opened: ExitStack, formats: list[str]
) -> None:
    items = zlib.compress(b"[]")
    rows = [("urgent", 2, 2), ("live", 1, 1), ("backlog", 8, 3), ("backlog", 9, 9)]
    with closing(sqlite3.connect(path)) as old:
        for statements in formats:
            old.executescript(statements)
        old.executemany(
            "INSERT INTO row VALUES (?, ?, ?, 'gap', 1.0, 2.0, ?)", [(*row, items) for row in rows]
        )
        old.commit()
    file, reader = open_both(path, opened)
    assert file.documents().keys() == {"orders"}
    assert [seqs(reader, lane) for lane in Lane] == [[2], [1], [8, 9]]
    assert [reader.first(lane) for lane in Lane] == [2, 1, 3]
    assert [file.rows[lane] for lane in Lane] == [1, 1, 2]
    assert file.size_bytes == 4 * (len(items) + ROW_OVERHEAD_BYTES)
    assert file.epochs.of(Lane.BACKLOG, 9).name == "old"
    assert items_of(reader.read(Lane.LIVE, after=0, limit=1)[0]) == b"[]"


def test_rows_of_an_older_format_move_in_pieces_that_take_no_more_room(
    path: Path, opened: ExitStack
) -> None:
    rows = 2_000
    with closing(sqlite3.connect(path)) as old:
        old.executescript(FIRST_FORMAT)
        old.executemany(
            "INSERT INTO row VALUES ('backlog', ?, ?, 'gap', 1.0, 2.0, randomblob(2500))",
            [(seq, seq) for seq in range(1, rows + 1)],
        )
        old.commit()
    before = path.stat().st_size
    with _files_no_longer_than(4_000_000), pytest.raises(OutboxError):
        open_both(path, opened)
    with closing(sqlite3.connect(path)) as half:
        ((left,),) = half.execute("SELECT count(*) FROM old_row").fetchall()
    assert 0 < left < rows
    file, reader = open_both(path, opened)
    assert [held.seq for held in reader.read(Lane.BACKLOG, after=0, limit=9_999)] == list(
        range(1, rows + 1)
    )
    assert file.rows[Lane.BACKLOG] == rows
    opened.close()
    assert path.stat().st_size < 1.4 * before


def test_a_commit_of_a_second_is_a_few_small_pages(path: Path, opened: ExitStack) -> None:
    file, _ = open_both(path, opened)
    file.transact([row(Lane.LIVE, 0.0, size=300)], receipted={})
    wal = path.with_name(f"{path.name}-wal")
    before = wal.stat().st_size
    file.transact([row(Lane.LIVE, 1.0, size=300)], receipted={Lane.LIVE: 1})
    assert wal.stat().st_size - before <= 3 * 1_048


@pytest.mark.parametrize("content", [b"this is not a database at all" * 50, None])
def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(
    path: Path, opened: ExitStack, content: bytes | None
) -> None:
    file, _ = open_both(path, opened)
    writes = [row(Lane.LIVE, float(at), size=3_000) for at in range(50)]
    file.transact(writes, receipted={})
    epoch = file.epochs.newest.name
    opened.close()
    damaged = content or _overwrite_middle(path.read_bytes())
    path.write_bytes(damaged)
    again, aside = open_outbox(path, setting=no_setting, max_bytes=PLENTY)
    opened.callback(again.close)
    assert aside is not None
    assert aside.read_bytes()[100:] == damaged[100:]
    assert epoch not in again.epochs
    assert again.epochs.newest.is_first
    assert again.transact([row(Lane.LIVE, 1.0)], receipted={}) == [1]


def test_a_second_corrupt_file_does_not_replace_the_first(path: Path, opened: ExitStack) -> None:
    names = []
    for _ in range(2):
        path.write_bytes(b"garbage" * 500)
        file, aside = open_outbox(path, setting=no_setting, max_bytes=PLENTY)
        file.close()
        names.append(aside)
    assert len(set(names)) == 2
    assert all(name is not None and name.exists() for name in names)


def test_a_file_of_a_later_format_is_left_alone(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.execute("CREATE TABLE later (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(OutboxError, match="format 9"):
        open_outbox(path, setting=no_setting, max_bytes=PLENTY)
    assert path.read_bytes()[100:] == before[100:]


def _overwrite_middle(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:4_096] + b"\xa5" * (middle - 4_096) + content[middle:]


@contextmanager
def _files_no_longer_than(length: int) -> Iterator[None]:
    """As a disk that is full: what would be written beyond fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
