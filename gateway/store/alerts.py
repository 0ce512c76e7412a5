"""Alerts and their lives: who changed which to what, and when."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import Alert, AlertKind, AlertState
from gateway.store.schema import alert_changes, alerts

_MAY_BECOME = {
    AlertState.RAISED: {AlertState.ACKNOWLEDGED, AlertState.RESOLVED, AlertState.RETRACTED},
    AlertState.ACKNOWLEDGED: {AlertState.RESOLVED, AlertState.RETRACTED},
    AlertState.RESOLVED: set(),
    AlertState.RETRACTED: set(),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One step of an alert's life; `by` is a login, or empty where the hub itself took it."""

    state: AlertState
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it is now, and its life so far, from its raising on."""

    alert: Alert
    life: tuple[Change, ...]


def add(connection: Connection, alert: Alert) -> bool:
    """Raise an alert; False where one of that id is there already (it stays as it is)."""
    added = connection.execute(
        upsert(alerts)
        .values(
            id=alert.id,
            kind=alert.kind,
            state=alert.state,
            at=alert.at,
            raised_at=alert.raised_at,
            tag=alert.tag,
            zone=alert.zone,
            gateway=alert.gateway,
            receiver=alert.receiver,
            suspect=alert.suspect,
        )
        .on_conflict_do_nothing()
    )
    if not added.rowcount:
        return False
    _add_change(connection, alert.id, Change(alert.state, alert.raised_at, ""))
    return True


def change(connection: Connection, alert_id: str, to: Change) -> Alert | None:
    """Take a step in an alert's life; gives the alert as it then is.

    None where there is no such alert, or where its life has no such step: what is acknowledged is
    not acknowledged again, and nothing follows an end.
    """
    before = [state for state, following in _MAY_BECOME.items() if to.state in following]
    changed = connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.state.in_(before))
        .values(state=to.state)
    )
    if not changed.rowcount:
        return None
    _add_change(connection, alert_id, to)
    stored = get(connection, alert_id)
    return None if stored is None else stored.alert


def get(connection: Connection, alert_id: str) -> StoredAlert | None:
    """The alert of that id."""
    return next(iter(_stored(connection, alerts.c.id == alert_id, limit=1)), None)


def about_persons(
    connection: Connection,
    tags: Collection[str],
    kinds: Collection[AlertKind],
    *,
    since: float,
    limit: int,
) -> list[StoredAlert]:
    """The newest `limit` alerts of `kinds` about `tags` raised since then, newest first."""
    theirs = (alerts.c.tag.in_(tags), alerts.c.kind.in_(kinds))
    return _stored(connection, *theirs, alerts.c.raised_at >= since, limit=limit)


def about_devices(
    connection: Connection, kinds: Collection[AlertKind], *, since: float, limit: int
) -> list[StoredAlert]:
    """The newest `limit` alerts of `kinds`, or about no tag at all, raised since then."""
    technical = or_(alerts.c.kind.in_(kinds), alerts.c.tag == "")
    return _stored(connection, technical, alerts.c.raised_at >= since, limit=limit)


def unended(
    connection: Connection,
    kinds: Collection[AlertKind] = tuple(AlertKind),
    *,
    tag: str | None = None,
    receiver: str | None = None,
) -> list[Alert]:
    """The alerts of `kinds` whose life goes on, oldest first; about that tag or receiver only."""
    kept = select(*_COLUMNS).where(
        alerts.c.kind.in_(kinds),
        alerts.c.state.in_([AlertState.RAISED, AlertState.ACKNOWLEDGED]),
    )
    if tag is not None:
        kept = kept.where(alerts.c.tag == tag)
    if receiver is not None:
        kept = kept.where(alerts.c.receiver == receiver)
    return [_alert(row) for row in connection.execute(kept.order_by(alerts.c.raised_at))]


def unended_of(connection: Connection, tag: str, *, at: float) -> list[Alert]:
    """The alerts about what happened to `tag` at `at` whose life goes on."""
    kept = select(*_COLUMNS).where(
        alerts.c.tag == tag,
        alerts.c.at == at,
        alerts.c.state.in_([AlertState.RAISED, AlertState.ACKNOWLEDGED]),
    )
    return [_alert(row) for row in connection.execute(kept)]


def _stored(connection: Connection, *where: ColumnElement[bool], limit: int) -> list[StoredAlert]:
    newest = (
        select(*_COLUMNS)
        .where(*where)
        .order_by(alerts.c.raised_at.desc(), alerts.c.id)
        .limit(limit)
    )
    found = [_alert(row) for row in connection.execute(newest)]
    lives: dict[str, list[Change]] = {alert.id: [] for alert in found}
    steps = select(
        alert_changes.c.alert_id, alert_changes.c.state, alert_changes.c.at, alert_changes.c.by
    ).where(alert_changes.c.alert_id.in_(list(lives)))
    for alert_id, state, at, by in connection.execute(steps.order_by(alert_changes.c.id)):
        lives[alert_id].append(Change(AlertState(state), at, by))
    return [StoredAlert(alert, tuple(lives[alert.id])) for alert in found]


def _add_change(connection: Connection, alert_id: str, step: Change) -> None:
    connection.execute(
        insert(alert_changes).values(alert_id=alert_id, state=step.state, at=step.at, by=step.by)
    )


_COLUMNS = (
    alerts.c.id,
    alerts.c.kind,
    alerts.c.state,
    alerts.c.at,
    alerts.c.raised_at,
    alerts.c.tag,
    alerts.c.zone,
    alerts.c.gateway,
    alerts.c.receiver,
    alerts.c.suspect,
)


def _alert(row: Row[*tuple[str, str, str, float, float, str, str, str, str, str]]) -> Alert:
    alert_id, kind, state, at, raised_at, tag, zone, gateway, receiver, suspect = row
    return Alert(
        id=alert_id,
        kind=AlertKind(kind),
        state=AlertState(state),
        at=at,
        raised_at=raised_at,
        tag=tag,
        zone=zone,
        gateway=gateway,
        receiver=receiver,
        suspect=suspect,
    )
