import msgspec

from gateway.link.envelope import Envelope, Kind
from gateway.link.waiting import (
    BACKLOG_SHARE,
    FIRST_BUDGET,
    MAX_BATCH,
    MAX_QUEUED,
    MAX_QUEUED_BYTES,
    ROW_COST,
    Waiting,
)
from gateway.model import Lane

COMMIT_S = 0.1
BIG = 20_000


def row(lane: Lane, seq: int, *, size: int = 100) -> Envelope:
    return Envelope(
        sender="gw-07",
        epoch="e1",
        lane=lane,
        seq=seq,
        first=1,
        sent=1.0,
        kind=Kind.PRESS,
        items=msgspec.Raw(b'"' + b"x" * (size - 2) + b'"'),
    )


def filled(*, size: int = 100, **rows: int) -> Waiting:
    waiting = Waiting(commit_s=COMMIT_S)
    for lane, count in rows.items():
        assert all(waiting.put(row(Lane(lane), seq + 1, size=size)) for seq in range(count))
    return waiting


def lanes(batch: list[Envelope]) -> dict[Lane, int]:
    return {lane: sum(one.lane is lane for one in batch) for lane in Lane}


def cost(batch: list[Envelope]) -> int:
    return sum(ROW_COST + len(bytes(one.items)) for one in batch)


def settled(waiting: Waiting, *, seconds_a_byte: float) -> list[Envelope]:
    """The last of many batches of a database that is so fast."""
    batch: list[Envelope] = []
    for _ in range(30):
        while waiting.put(row(Lane.BACKLOG, 1, size=BIG)):
            pass
        batch = waiting.take()
        waiting.took(batch, seconds=cost(batch) * seconds_a_byte)
    return batch


def test_what_is_urgent_goes_alone_and_the_others_have_the_next_commit() -> None:
    waiting = filled(urgent=2, live=3, backlog=3)
    assert lanes(waiting.take()) == {Lane.URGENT: 2, Lane.LIVE: 0, Lane.BACKLOG: 0}
    assert waiting.put(row(Lane.URGENT, 3))
    assert lanes(waiting.take()) == {Lane.URGENT: 1, Lane.LIVE: 3, Lane.BACKLOG: 3}
    assert not waiting


def test_a_flood_of_urgent_rows_starves_nobody() -> None:
    waiting = filled(urgent=3 * MAX_BATCH, live=1, backlog=1)
    waiting.take()
    assert lanes(waiting.take())[Lane.LIVE] == 1
    waiting = filled(urgent=3 * MAX_BATCH, live=1, backlog=1)
    waiting.take()
    assert lanes(waiting.take())[Lane.BACKLOG] == 1


def test_the_backlog_has_a_tenth_beside_a_flood_of_live_rows() -> None:
    waiting = filled(size=BIG, live=MAX_QUEUED // 2, backlog=MAX_QUEUED // 2)
    batch = waiting.take()
    had = sum(ROW_COST + BIG for one in batch if one.lane is Lane.BACKLOG)
    assert had >= BACKLOG_SHARE * FIRST_BUDGET / 2
    assert lanes(batch)[Lane.LIVE] > lanes(batch)[Lane.BACKLOG]


def test_the_rows_of_a_lane_keep_their_order() -> None:
    waiting = filled(live=MAX_QUEUED)
    taken: list[int] = []
    while waiting:
        taken += [one.seq for one in waiting.take()]
    assert taken == list(range(1, MAX_QUEUED + 1))


def test_a_batch_is_as_large_as_the_database_is_fast() -> None:
    fast = settled(Waiting(commit_s=COMMIT_S), seconds_a_byte=COMMIT_S / 2_000_000)
    slow = settled(Waiting(commit_s=COMMIT_S), seconds_a_byte=COMMIT_S / 200_000)
    assert 1_000_000 < cost(fast) < 3_000_000
    assert 100_000 < cost(slow) < 300_000


def test_small_commits_on_a_slow_disk_teach_nothing() -> None:
    waiting = filled(live=1)
    for _ in range(10):
        waiting.took([row(Lane.LIVE, 1)], seconds=1.0)
    assert waiting.put(row(Lane.BACKLOG, 1, size=FIRST_BUDGET))
    waiting.take()
    for seq in range(40):
        waiting.put(row(Lane.BACKLOG, seq, size=BIG))
    assert cost(waiting.take()) >= FIRST_BUDGET


def test_a_row_larger_than_a_batch_is_taken_for_itself() -> None:
    waiting = filled(size=3_000_000, backlog=2)
    assert len(waiting.take()) == 1
    assert len(waiting.take()) == 1


def test_a_full_lane_takes_no_more_and_leaves_the_others_alone() -> None:
    waiting = filled(backlog=MAX_QUEUED)
    assert not waiting.put(row(Lane.BACKLOG, 1))
    assert waiting.put(row(Lane.URGENT, 1))
    large = filled(size=4_000_000, live=MAX_QUEUED_BYTES // 4_000_000)
    assert not large.put(row(Lane.LIVE, 1, size=4_000_000))
    large.take()
    assert large.put(row(Lane.LIVE, 1, size=4_000_000))
