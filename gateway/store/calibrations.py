"""What was learned of the receivers, night by night: every calibration is kept, one is in force.

None is ever changed or deleted: a year of nights of 90 receivers is 6 MB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select

from gateway.store.errors import StoreError
from gateway.store.schema import calibration_changes, calibrations
from gateway.tags.calibration import Calibration


class UnreadableError(StoreError):
    """A calibration that this program cannot read: a newer one wrote it."""


class CalibrationState(StrEnum):
    """A step in a calibration's life; one that was undone can come into force again."""

    IN_FORCE = "in_force"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Change:
    """One such step; `by` is a login, or empty where the hub itself took it."""

    state: CalibrationState
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A calibration without what it says.

    It was learned at `learned_at` `upon` another (None: upon the site's file). `before` and `after`
    are as in `Calibration`.
    """

    id: int
    learned_at: float
    upon: int | None
    before: float
    after: float
    accepted: bool
    in_force: bool
    life: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, and what is in force instead (None: the site's file)."""

    undone: int
    in_force: int | None


def add(
    connection: Connection, calibration: Calibration, *, upon: int | None, at: float
) -> int | None:
    """Keep a calibration and put it in force; its id.

    None, and nothing is kept, where it is not `upon` what is in force by now.
    """
    if in_force(connection) != upon:
        return None
    added = connection.execute(
        insert(calibrations).values(
            learned_at=at,
            upon=upon,
            before=calibration.before,
            after=calibration.after,
            accepted=calibration.accepted,
            document=msgspec.json.encode(calibration.as_document()).decode(),
        )
    )
    (new,) = added.inserted_primary_key or (0,)
    _add_change(connection, new, Change(CalibrationState.IN_FORCE, at, ""))
    return int(new)


def in_force(connection: Connection) -> int | None:
    """The id of the calibration in force; None while the site's file is all that is known."""
    newest = select(calibration_changes.c.calibration_id, calibration_changes.c.state)
    last = connection.execute(newest.order_by(calibration_changes.c.id.desc()).limit(1)).first()
    if last is None or last.state != CalibrationState.IN_FORCE:
        return None
    return int(last.calibration_id)


def get(connection: Connection, calibration_id: int) -> Calibration | None:
    """What a calibration says. Raises UnreadableError."""
    document = connection.scalar(
        select(calibrations.c.document).where(calibrations.c.id == calibration_id)
    )
    if document is None:
        return None
    try:
        return Calibration.from_document(msgspec.json.decode(document))
    except msgspec.DecodeError as error:
        raise UnreadableError(
            f"Calibration {calibration_id} cannot be read ({error}). Undo it, or update Machimori."
        ) from error


def summary(connection: Connection, calibration_id: int) -> Summary | None:
    """The calibration of that id."""
    return next(iter(_summaries(connection, calibrations.c.id == calibration_id, limit=1)), None)


def latest(connection: Connection, *, limit: int) -> list[Summary]:
    """The newest `limit` calibrations, newest first."""
    return _summaries(connection, limit=limit)


def undo(connection: Connection, *, at: float, by: str) -> Undone | None:
    """Put in force what was so before; None where no calibration is in force."""
    undone = in_force(connection)
    if undone is None:
        return None
    _add_change(connection, undone, Change(CalibrationState.UNDONE, at, by))
    before = connection.scalar(select(calibrations.c.upon).where(calibrations.c.id == undone))
    if before is not None:
        _add_change(connection, before, Change(CalibrationState.IN_FORCE, at, by))
    return Undone(undone, before)


def _summaries(connection: Connection, *where: ColumnElement[bool], limit: int) -> list[Summary]:
    now = in_force(connection)
    newest = select(*_COLUMNS).where(*where).order_by(calibrations.c.id.desc()).limit(limit)
    found = connection.execute(newest).all()
    lives = _lives(connection, [row.id for row in found])
    return [
        Summary(**row._mapping, in_force=row.id == now, life=tuple(lives[row.id])) for row in found
    ]


def _lives(connection: Connection, ids: Sequence[int]) -> dict[int, list[Change]]:
    lives: dict[int, list[Change]] = {one: [] for one in ids}
    steps = select(
        calibration_changes.c.calibration_id,
        calibration_changes.c.state,
        calibration_changes.c.at,
        calibration_changes.c.by,
    ).where(calibration_changes.c.calibration_id.in_(ids))
    for one, state, at, by in connection.execute(steps.order_by(calibration_changes.c.id)):
        lives[one].append(Change(CalibrationState(state), at, by))
    return lives


def _add_change(connection: Connection, calibration_id: int, step: Change) -> None:
    connection.execute(
        insert(calibration_changes).values(
            calibration_id=calibration_id, state=step.state, at=step.at, by=step.by
        )
    )


_COLUMNS = (
    calibrations.c.id,
    calibrations.c.learned_at,
    calibrations.c.upon,
    calibrations.c.before,
    calibrations.c.after,
    calibrations.c.accepted,
)
