"""What people and scenes said over the programs, and what became of it at each lamp."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, or_, select, update

from gateway.lamps import Authority, Outcome, OutcomeState, Override
from gateway.store.lamp_schema import override_lamps, overrides

ANSWER_WITHIN_S = 3.0
GATEWAY_AWAY = "gateway_away"
MOST_IN_A_QUERY = 1_000

_lamps_from = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override as it stands; `ended_at` where somebody ended it before it expired.

    `outcomes` has one for each lamp, in the override's order (`of_lamp`: for that one alone):
    "waiting" where none came yet, and "failed, gateway_away" where none came within
    ANSWER_WITHIN_S; one that comes later stands.
    """

    override: Override
    reason: str
    by: str
    ended_at: float | None
    outcomes: tuple[Outcome, ...]


def add(connection: Connection, override: Override, *, reason: str, by: str) -> None:
    """Keep a new override. Raises IntegrityError where one of that id is there."""
    columns = asdict(override) | {"lamps": msgspec.json.encode(override.lamps).decode()}
    connection.execute(insert(overrides).values(**columns, reason=reason, by=by))
    waiting = [
        {"override": override.id, "lamp": lamp, "state": OutcomeState.WAITING.value, "why": ""}
        for lamp in dict.fromkeys(override.lamps)
    ]
    if waiting:
        connection.execute(insert(override_lamps), waiting)


def end(connection: Connection, override_id: str, *, at: float) -> bool:
    """End an override now; False where it is over already, or never was."""
    ended = connection.execute(
        update(overrides)
        .where(
            overrides.c.id == override_id,
            overrides.c.ended_at.is_(None),
            overrides.c.expiration > at,
        )
        .values(ended_at=at)
    )
    return bool(ended.rowcount)


def get(connection: Connection, override_id: str, *, now: float) -> StoredOverride | None:
    """The override of that id."""
    return next(iter(_stored(connection, overrides.c.id == override_id, now=now, limit=1)), None)


def latest(
    connection: Connection, *, now: float, open_only: bool, limit: int
) -> list[StoredOverride]:
    """The newest `limit` overrides, newest first; `open_only`: those that are not over."""
    where = _going_on(now) if open_only else ()
    return _stored(connection, *where, now=now, limit=limit)


def of_lamp(connection: Connection, lamp: str, *, now: float, limit: int) -> list[StoredOverride]:
    """The newest `limit` overrides of a lamp, newest first, each with what became of it there.

    Others' outcomes are left out: of overrides of all lamps they would be many.
    """
    own = select(override_lamps.c.override).where(override_lamps.c.lamp == lamp)
    return _stored(connection, overrides.c.id.in_(own), now=now, limit=limit, lamp=lamp)


def going_on(connection: Connection, *, now: float) -> list[Override]:
    """What is to be told to the edges: every override that is not over, oldest first."""
    kept = select(*_COLUMNS).where(*_going_on(now))
    ordered = kept.order_by(overrides.c.made_at, overrides.c.id)
    return [_override(row) for row in connection.execute(ordered)]


def record(connection: Connection, outcomes: Iterable[Outcome]) -> int:
    """Keep what became of overrides at lamps; gives how many were of an override and lamp known.

    The latest of an override and lamp stands: one that comes again changes nothing.
    """
    told = list(outcomes)
    return sum(
        _record(connection, told[begin : begin + MOST_IN_A_QUERY])
        for begin in range(0, len(told), MOST_IN_A_QUERY)
    )


def _record(connection: Connection, told: Sequence[Outcome]) -> int:
    kept = select(override_lamps.c.override, override_lamps.c.lamp).where(
        override_lamps.c.override.in_({one.override for one in told}),
        override_lamps.c.lamp.in_({one.lamp for one in told}),
    )
    known = {(override, lamp) for override, lamp in connection.execute(kept)}
    rows = [
        {"of": one.override, "by": one.lamp, "at": one.at, "state": one.state.value, "why": one.why}
        for one in told
        if (one.override, one.lamp) in known
    ]
    if rows:
        connection.execute(_RECORD, rows)
    return len(rows)


def _going_on(now: float) -> tuple[ColumnElement[bool], ...]:
    return overrides.c.ended_at.is_(None), overrides.c.expiration > now


def _stored(
    connection: Connection,
    *where: ColumnElement[bool],
    now: float,
    limit: int,
    lamp: str | None = None,
) -> list[StoredOverride]:
    """`lamp`: with the outcomes of that one alone."""
    newest = (
        select(*_COLUMNS, overrides.c.reason, overrides.c.by, overrides.c.ended_at)
        .where(*where)
        .order_by(overrides.c.made_at.desc(), overrides.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(newest).all()
    told = _outcomes(connection, [row.id for row in rows], lamp)
    found = []
    for row in rows:
        override = _override(row)
        lamps = override.lamps if lamp is None else (lamp,)
        outcomes = tuple(_judged(override, one, told[override.id], now) for one in lamps)
        found.append(StoredOverride(override, row.reason, row.by, row.ended_at, outcomes))
    return found


def _outcomes(
    connection: Connection, ids: Collection[str], lamp: str | None
) -> dict[str, dict[str, Outcome]]:
    told: dict[str, dict[str, Outcome]] = defaultdict(dict)
    kept = select(
        override_lamps.c.override,
        override_lamps.c.lamp,
        override_lamps.c.at,
        override_lamps.c.state,
        override_lamps.c.why,
    ).where(override_lamps.c.override.in_(ids))
    if lamp is not None:
        kept = kept.where(override_lamps.c.lamp == lamp)
    for override, one, at, state, why in connection.execute(kept):
        if state != OutcomeState.WAITING:
            told[override][one] = Outcome(override, one, at, OutcomeState(state), why)
    return told


def _judged(override: Override, lamp: str, told: dict[str, Outcome], now: float) -> Outcome:
    begun = max(override.made_at, override.start)
    if lamp in told:
        return told[lamp]
    if now < begun + ANSWER_WITHIN_S:
        return Outcome(override.id, lamp, begun, OutcomeState.WAITING)
    late = begun + ANSWER_WITHIN_S
    return Outcome(override.id, lamp, late, OutcomeState.FAILED, GATEWAY_AWAY)


_RECORD = (
    update(override_lamps)
    .where(
        override_lamps.c.override == bindparam("of"),
        override_lamps.c.lamp == bindparam("by"),
        or_(override_lamps.c.at.is_(None), override_lamps.c.at < bindparam("at")),
    )
    .values(at=bindparam("at"), state=bindparam("state"), why=bindparam("why"))
)
_COLUMNS = (
    overrides.c.id,
    overrides.c.lamps,
    overrides.c.level,
    overrides.c.authority,
    overrides.c.made_at,
    overrides.c.start,
    overrides.c.expiration,
    overrides.c.scene,
    overrides.c.blink,
    overrides.c.ramp_to_level_s,
    overrides.c.ramp_from_level_s,
)


def _override(row: Row[*tuple[Any, ...]]) -> Override:
    return Override(
        id=row.id,
        lamps=_lamps_from.decode(row.lamps),
        level=row.level,
        authority=Authority(row.authority),
        made_at=row.made_at,
        start=row.start,
        expiration=row.expiration,
        scene=row.scene,
        blink=row.blink,
        ramp_to_level_s=row.ramp_to_level_s,
        ramp_from_level_s=row.ramp_from_level_s,
    )
