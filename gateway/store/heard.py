"""When a gateway was heard, and when it was not: from its windows and its gaps."""

from sqlalchemy import ColumnElement, Connection, Select, func, select

from gateway.model import Lane
from gateway.store.schema import gaps, windows
from gateway.store.sightings import Source, heard_until

KEPT_S = 86_400.0  # that windows are kept, if the settings do not say otherwise
YOUNGER_S = 3_600.0  # what is old is not deleted to the second


def around(connection: Connection, gateway: str, run: str) -> tuple[float | None, float | None]:
    """The end of the last second that `gateway` sent before epoch `run`, and that one's first."""
    starts = [
        connection.scalar(_of_lane(gateway, run, lane).order_by(windows.c.seq).limit(1))
        for lane in Lane
    ]
    first = min((one for one in starts if one is not None), default=None)
    before = select(func.max(windows.c.second)).where(windows.c.gateway == gateway)
    if first is not None:
        before = before.where(windows.c.second < first)
    last: int | None = connection.scalar(before)
    return None if last is None else float(last + 1), None if first is None else float(first)


def behind(connection: Connection, row: Source) -> tuple[float | None, float | None]:
    """The end of the window before `row` in its lane, and the next that its gateway has sent."""
    before = _of_lane(row.gateway, row.epoch, row.lane).where(windows.c.seq < row.seq)
    last: int | None = connection.scalar(before.order_by(windows.c.seq.desc()).limit(1))
    if last is None:
        return None, None
    following: int | None = connection.scalar(
        select(func.min(windows.c.second)).where(
            windows.c.gateway == row.gateway, windows.c.second > last + 1
        )
    )
    return float(last + 1), None if following is None else float(following)


def holes(
    connection: Connection, gateway: str, *, until: float, kept_s: float = KEPT_S
) -> list[tuple[float, float]]:
    """The stretches up to `until` of which it sent nothing, not even a gap.

    Windows are kept for `kept_s` only. Where all that there are are plainly younger, it was not
    heard since its last gap; where none is left, neither, or for so long if it never told one.
    """
    second = windows.c.second
    before = func.lag(second).over(order_by=second)
    own = select(second, before.label("before")).where(_is(gateway)).subquery()
    apart = select(own.c.before + 1, own.c.second).where(own.c.second > own.c.before + 1)
    found = [(float(since), float(end)) for since, end in connection.execute(apart)]
    oldest: int | None = connection.scalar(select(func.min(second)).where(_is(gateway)))
    first = until if oldest is None else float(oldest)
    told = _told_until(connection, gateway, first)
    if oldest is None:
        found.append((until - kept_s if told is None else told, until))
    elif told is not None and first > until - kept_s + YOUNGER_S:
        found.insert(0, (max(told, until - kept_s), first))
    newest = heard_until(connection, gateway)
    if newest is not None:
        found.append((newest, until))
    found = [(since, min(end, until)) for since, end in found if since < min(end, until)]
    return _less(found, _gaps_after(connection, gateway, found[0][0])) if found else []


def _is(gateway: str) -> ColumnElement[bool]:
    return windows.c.gateway == gateway


def _told_until(connection: Connection, gateway: str, before: float) -> float | None:
    last = select(func.max(gaps.c.until)).where(gaps.c.gateway == gateway, gaps.c.until <= before)
    told: float | None = connection.scalar(last)
    return told


def _of_lane(gateway: str, epoch: str, lane: Lane) -> Select[int]:
    return select(windows.c.second).where(
        windows.c.gateway == gateway, windows.c.epoch == epoch, windows.c.lane == lane.value
    )


def _gaps_after(connection: Connection, gateway: str, since: float) -> list[tuple[float, float]]:
    told = (
        select(gaps.c.since, gaps.c.until)
        .where(gaps.c.gateway == gateway, gaps.c.until > since)
        .order_by(gaps.c.since)
    )
    return [(start, end) for start, end in connection.execute(told)]


def _less(
    whole: list[tuple[float, float]], taken: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """`whole` without `taken`; both by their beginnings, those of `whole` do not overlap."""
    left: list[tuple[float, float]] = []
    place = 0
    for start, end in whole:
        while place < len(taken) and taken[place][1] <= start:
            place += 1
        at = place
        while start < end and at < len(taken) and taken[at][0] < end:
            if start < taken[at][0]:
                left.append((start, taken[at][0]))
            start = max(start, taken[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left
