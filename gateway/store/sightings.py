"""What the gateways sent: windows, gaps, the marks of receipt, and how far each site is stepped."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import Gap, Lane, Window
from gateway.store import schema
from gateway.store.schema import cursors, gaps, windows

KEPT_MARKS = 200  # epochs of a sender's lane
LAST_SECOND = 2**53
_COMPRESSION = 1  # the fastest: a second of 1,200 readings shrinks to a seventh in 2 ms
_window_from = msgspec.json.Decoder(Window)


class Source(NamedTuple):
    """The row of a gateway's outbox that something came in."""

    gateway: str
    epoch: str
    lane: Lane
    seq: int


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window as it came, and what the hub holds of its time.

    `second` is the window's, corrected by the gateway's clock skew, `skew_s` (its clock minus
    ours); `late` says that its second was stepped before it came.
    """

    source: Source
    second: int
    skew_s: float
    late: bool
    window: Window


@dataclass(frozen=True, slots=True)
class LateStretch:
    """Seconds (since ≤ second < until) with late windows, of which `through_id` came last."""

    since: int
    until: int
    through_id: int


@dataclass(frozen=True, slots=True)
class StoredGap:
    """A gap and the gateway that it is of."""

    gateway: str
    gap: Gap


def add_windows(connection: Connection, stored: Iterable[StoredWindow]) -> None:
    """Keep windows. One row of an outbox is kept once: a second time raises IntegrityError."""
    rows = [
        {
            **one.source._asdict(),
            "second": one.second,
            "skew_s": one.skew_s,
            "late": one.late,
            "amended": False,
            "body": zlib.compress(msgspec.json.encode(one.window), _COMPRESSION),
        }
        for one in stored
    ]
    if rows:
        connection.execute(insert(windows), rows)


def windows_between(connection: Connection, since: int, until: int) -> list[StoredWindow]:
    """The windows of the seconds since ≤ second < until, by second, then as they came."""
    kept = (
        select(
            windows.c.gateway,
            windows.c.epoch,
            windows.c.lane,
            windows.c.seq,
            windows.c.second,
            windows.c.skew_s,
            windows.c.late,
            windows.c.body,
        )
        .where(windows.c.second >= since, windows.c.second < until)
        .order_by(windows.c.second, windows.c.id)
    )
    return [
        StoredWindow(
            Source(gateway, epoch, Lane(lane), seq),
            second,
            skew_s,
            late,
            _window_from.decode(zlib.decompress(body)),
        )
        for gateway, epoch, lane, seq, second, skew_s, late, body in connection.execute(kept)
    ]


def next_second(connection: Connection, since: int, until: int) -> int | None:
    """The first second with a window at since ≤ second < until."""
    following: int | None = connection.scalar(
        select(func.min(windows.c.second)).where(
            windows.c.second >= since, windows.c.second < until
        )
    )
    return following


def mark_late(connection: Connection, since: int, until: int) -> None:
    """Say that the seconds since ≤ second < until were passed over, with what had come of them."""
    connection.execute(
        update(windows).where(windows.c.second >= since, windows.c.second < until).values(late=True)
    )


def late_stretch(connection: Connection, *, longest_s: int) -> LateStretch | None:
    """The oldest late windows that have not yet amended history, over at most `longest_s`."""
    waiting = (windows.c.late, ~windows.c.amended)
    since = connection.scalar(select(func.min(windows.c.second)).where(*waiting))
    if since is None:
        return None
    until, through_id = connection.execute(
        select(func.max(windows.c.second) + 1, func.max(windows.c.id)).where(
            *waiting, windows.c.second < since + longest_s
        )
    ).one()
    return LateStretch(since, until, through_id)


def amend_again(connection: Connection, since: int, until: int) -> None:
    """More is known now of what came late of the seconds since ≤ second < until."""
    connection.execute(
        update(windows)
        .where(
            windows.c.second >= since, windows.c.second < until, windows.c.late, windows.c.amended
        )
        .values(amended=False)
    )


def set_amended(connection: Connection, stretch: LateStretch) -> None:
    """Say that history holds the late windows of `stretch`, but for those that came since."""
    connection.execute(
        update(windows)
        .where(
            windows.c.late,
            windows.c.second >= stretch.since,
            windows.c.second < stretch.until,
            windows.c.id <= stretch.through_id,
        )
        .values(amended=True)
    )


def add_gap(connection: Connection, gateway: str, gap: Gap) -> None:
    """Keep what a gateway says of time that it has not seen."""
    connection.execute(
        insert(gaps).values(
            gateway=gateway,
            since=gap.since,
            until=gap.until,
            reason=gap.reason,
            from_seq=gap.from_seq,
            to_seq=gap.to_seq,
        )
    )


def gaps_between(connection: Connection, since: float, until: float) -> list[StoredGap]:
    """The gaps that touch since … until, in the order of their beginnings."""
    touching = (
        select(
            gaps.c.gateway,
            gaps.c.since,
            gaps.c.until,
            gaps.c.reason,
            gaps.c.from_seq,
            gaps.c.to_seq,
        )
        .where(gaps.c.until >= since, gaps.c.since <= until)
        .order_by(gaps.c.since, gaps.c.id)
    )
    return [
        StoredGap(gateway, Gap(*described)) for gateway, *described in connection.execute(touching)
    ]


def marks(connection: Connection) -> dict[tuple[str, str, Lane], int]:
    """By sender, epoch and lane: the number through which its rows are committed here."""
    known = select(
        schema.marks.c.sender, schema.marks.c.epoch, schema.marks.c.lane, schema.marks.c.mark
    )
    return {
        (sender, epoch, Lane(lane)): mark for sender, epoch, lane, mark in connection.execute(known)
    }


def epochs_of(connection: Connection, sender: str) -> set[str]:
    """The epochs of `sender` of which anything is committed here."""
    own = select(schema.marks.c.epoch).where(schema.marks.c.sender == sender).distinct()
    return set(connection.scalars(own))


def heard_until(
    connection: Connection, gateway: str, *, before: float = float("inf")
) -> float | None:
    """The end of the last second that `gateway` sent, `before` a time; None before the first."""
    own = select(func.max(windows.c.second)).where(windows.c.gateway == gateway)
    if before < LAST_SECOND:
        own = own.where(windows.c.second < int(before))
    newest: int | None = connection.scalar(own)
    return None if newest is None else float(newest + 1)


def set_marks(connection: Connection, sources: Iterable[Source]) -> None:
    """Say that `sources`, each with all before it, are committed: in that transaction."""
    rows = [
        {"sender": one.gateway, "epoch": one.epoch, "lane": one.lane.value, "mark": one.seq}
        for one in sources
    ]
    if rows:
        connection.execute(_SET_MARKS, rows)


def forget_marks(connection: Connection, *, limit: int, keep: int = KEPT_MARKS) -> int:
    """Delete up to `limit` marks of epochs long gone; gives how many.

    A lane's rows come in the order of its epochs, and no more than 64 are under way: what came
    before the newest `keep` epochs of a lane was receipted, and never comes again.
    """
    return int(connection.execute(_FORGET_MARKS, {"keep": keep, "limit": limit}).rowcount)


def stepped_to(connection: Connection, site: str) -> int | None:
    """The second up to which (not with which) the site is stepped; None for a new site."""
    return connection.scalar(select(cursors.c.stepped_to).where(cursors.c.site == site))


def set_stepped_to(connection: Connection, site: str, second: int) -> None:
    """Say how far the site is stepped: in the transaction of the step's positions."""
    connection.execute(
        upsert(cursors)
        .values(site=site, stepped_to=second)
        .on_conflict_do_update(index_elements=["site"], set_={"stepped_to": second})
    )


def _set_marks() -> Insert:
    kept = upsert(schema.marks)
    return kept.on_conflict_do_update(
        index_elements=["sender", "epoch", "lane"], set_={"mark": kept.excluded.mark}
    )


_SET_MARKS = _set_marks()

# A row keeps its rowid when its mark moves: they tell in which order epochs were first heard of.
_FORGET_MARKS = text(
    "DELETE FROM marks WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, row_number() OVER"
    " (PARTITION BY sender, lane ORDER BY rowid DESC) AS age FROM marks) WHERE age > :keep"
    " LIMIT :limit)"
)
