"""Who told the lamps what: one row a command, never changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select

from gateway.store.lamp_schema import lamp_audit


@dataclass(frozen=True, slots=True)
class Act:
    """`by` did `action` to `subject` with `authority`.

    `by` is a login, "command line", or empty where the hub itself did it. `action` is of few words
    (override, end, program, calendar, settings, work …), `subject` an id or ids, `detail` for
    people to read: never whom an SOS is about.
    """

    at: float
    by: str
    authority: str
    action: str
    subject: str
    detail: str = ""


def add(connection: Connection, act: Act) -> None:
    """Keep it: in the transaction of the act."""
    connection.execute(insert(lamp_audit).values(asdict(act)))


def latest(connection: Connection, *, since: float, limit: int) -> Sequence[Act]:
    """The newest `limit` acts since then, newest first."""
    kept = (
        select(
            lamp_audit.c.at,
            lamp_audit.c.by,
            lamp_audit.c.authority,
            lamp_audit.c.action,
            lamp_audit.c.subject,
            lamp_audit.c.detail,
        )
        .where(lamp_audit.c.at >= since)
        .order_by(lamp_audit.c.at.desc(), lamp_audit.c.id.desc())
        .limit(limit)
    )
    return [Act(*row) for row in connection.execute(kept)]
