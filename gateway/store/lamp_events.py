"""Faults of lamps from start to end, and the work that people have with them.

Of one lamp and kind at most one is open. A start that comes while one is open is the same fault
(the edge forgot that it had told it), and an end ends what is open, also where the two starts
differ: a gateway's clock may have been set right between them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from gateway.lamps import LampEvent, LampEventKind
from gateway.store.lamp_schema import lamp_events, lamp_work

_evidence_from = msgspec.json.Decoder(dict[str, float])


class WorkState(StrEnum):
    """A step in the work with a fault."""

    OPEN = "open"
    ASSIGNED = "assigned"
    DONE = "done"


_MAY_BECOME = {
    WorkState.OPEN: {WorkState.ASSIGNED, WorkState.DONE},
    WorkState.ASSIGNED: {WorkState.ASSIGNED, WorkState.OPEN, WorkState.DONE},
    WorkState.DONE: {WorkState.OPEN},
}


@dataclass(frozen=True, slots=True)
class Work:
    """One step of it: `assignee` and `by` are logins."""

    state: WorkState
    assignee: str
    note: str
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A fault, its work as it stands, and every step of that so far (`history`, oldest first)."""

    id: int
    event: LampEvent
    work: Work
    history: tuple[Work, ...]


def record(connection: Connection, told: Iterable[LampEvent], *, at: float) -> list[LampEvent]:
    """Keep what edges told of faults; gives those that say something new, as they now stand."""
    news = (_record(connection, event, at) for event in told)
    return [event for event in news if event is not None]


def end_all(connection: Connection, lamps: Collection[str], *, at: float) -> list[LampEvent]:
    """End every fault of `lamps`: whoever watched them has forgotten. Gives those that it ended."""
    kept = select(*_COLUMNS).where(_OPEN, lamp_events.c.lamp.in_(lamps))
    begun = [_event(row) for row in connection.execute(kept)]
    return record(connection, [replace(one, end=max(at, one.start)) for one in begun], at=at)


def get(connection: Connection, event_id: int) -> StoredEvent | None:
    """The fault of that id."""
    return next(iter(_stored(connection, lamp_events.c.id == event_id, limit=1)), None)


def latest(
    connection: Connection,
    *,
    open_only: bool = False,
    lamp: str = "",
    since: float = 0.0,
    limit: int,
) -> list[StoredEvent]:
    """The newest `limit` faults that began since then, newest first.

    `lamp` "": of all lamps. `open_only`: those that are not over.
    """
    where = [lamp_events.c.start >= since]
    if open_only:
        where.append(lamp_events.c.id.in_(select(lamp_events.c.id).where(_OPEN)))
    if lamp:
        where.append(lamp_events.c.lamp == lamp)
    return _stored(connection, *where, limit=limit)


def overlapping(connection: Connection, *, since: float, until: float) -> list[LampEvent]:
    """The faults that were there at any time of since … until, by start."""
    there = select(lamp_events.c.id).where(or_(_OPEN, lamp_events.c.end >= since))
    kept = (
        select(*_COLUMNS)
        .where(lamp_events.c.id.in_(there), lamp_events.c.start <= until)
        .order_by(lamp_events.c.start, lamp_events.c.id)
    )
    return [_event(row) for row in connection.execute(kept)]


def open_kinds(connection: Connection) -> dict[str, tuple[LampEventKind, ...]]:
    """The faults that are not over, by lamp."""
    kinds: dict[str, tuple[LampEventKind, ...]] = defaultdict(tuple)
    kept = select(lamp_events.c.lamp, lamp_events.c.kind).where(_OPEN)
    for lamp, kind in connection.execute(kept.order_by(lamp_events.c.lamp, lamp_events.c.kind)):
        kinds[lamp] += (LampEventKind(kind),)
    return dict(kinds)


def add_work(connection: Connection, event_id: int, step: Work) -> bool:
    """Take a step in the work with a fault; False where there is no such fault or step.

    Open becomes assigned or done, assigned becomes another's, open again, or done, and what is
    done can be opened again. The fault itself ends when its lamp says so, not by this.
    """
    stored = get(connection, event_id)
    if stored is None or step.state not in _MAY_BECOME[stored.work.state]:
        return False
    connection.execute(insert(lamp_work).values(**asdict(step), event_id=event_id))
    return True


def _record(connection: Connection, event: LampEvent, at: float) -> LampEvent | None:
    own = (lamp_events.c.lamp == event.lamp, lamp_events.c.kind == event.kind)
    same = lamp_events.c.start == event.start
    kept = select(*_COLUMNS).where(*own, or_(same, _OPEN)).order_by(same.desc())
    known = connection.execute(kept).first()
    if known is None:
        if event.end is not None:
            event = replace(event, end=max(event.end, event.start))
        connection.execute(
            insert(lamp_events).values(
                lamp=event.lamp,
                kind=event.kind,
                start=event.start,
                end=event.end,
                evidence=msgspec.json.encode(event.evidence).decode(),
                told_at=at,
            )
        )
        return event
    if event.end is None or known.end is not None:
        return None
    end = max(event.end, known.start)
    connection.execute(
        update(lamp_events).where(lamp_events.c.id == known.id).values(end=end, told_at=at)
    )
    begun = _event(known)
    return LampEvent(begun.lamp, begun.kind, begun.start, begun.evidence, end)


def _stored(connection: Connection, *where: ColumnElement[bool], limit: int) -> list[StoredEvent]:
    newest = (
        select(*_COLUMNS)
        .where(*where)
        .order_by(lamp_events.c.start.desc(), lamp_events.c.id.desc())
        .limit(limit)
    )
    found = {row.id: _event(row) for row in connection.execute(newest)}
    steps = _steps(connection, found)
    return [
        StoredEvent(event_id, event, _as_it_stands(event, steps[event_id]), tuple(steps[event_id]))
        for event_id, event in found.items()
    ]


def _steps(connection: Connection, ids: Iterable[int]) -> dict[int, list[Work]]:
    steps: dict[int, list[Work]] = defaultdict(list)
    kept = select(
        lamp_work.c.event_id,
        lamp_work.c.state,
        lamp_work.c.assignee,
        lamp_work.c.note,
        lamp_work.c.at,
        lamp_work.c.by,
    ).where(lamp_work.c.event_id.in_(list(ids)))
    for event_id, state, *rest in connection.execute(kept.order_by(lamp_work.c.id)):
        steps[event_id].append(Work(WorkState(state), *rest))
    return steps


def _as_it_stands(event: LampEvent, steps: Sequence[Work]) -> Work:
    return steps[-1] if steps else Work(WorkState.OPEN, "", "", event.start, "")


_OPEN = lamp_events.c.end.is_(None)
_COLUMNS = (
    lamp_events.c.id,
    lamp_events.c.lamp,
    lamp_events.c.kind,
    lamp_events.c.start,
    lamp_events.c.end,
    lamp_events.c.evidence,
)


def _event(row: Row[*tuple[Any, ...]]) -> LampEvent:
    evidence = _evidence_from.decode(row.evidence)
    return LampEvent(row.lamp, LampEventKind(row.kind), row.start, evidence, row.end)
