"""A hub's clock had been ahead: what was written under times that are yet to come."""

from sqlalchemy import Connection, delete, update

from gateway.store.schema import outings, positions, route_points, windows, zone_events


def set_back(connection: Connection, *, since: int, by_s: int) -> None:
    """Windows from `since` on, by the clock when it was ahead, were captured `by_s` earlier.

    They are late, so history is amended with them. What had been made of them is forgotten: the
    latest position of a tag would be one of a time to come, and hide all others until then.
    """
    connection.execute(
        update(windows)
        .where(windows.c.second >= since)
        .values(
            second=windows.c.second - by_s,
            skew_s=windows.c.skew_s + by_s,
            late=True,
            amended=False,
        )
    )
    for table in (positions, zone_events, route_points):
        connection.execute(delete(table).where(table.c.at > since))
    connection.execute(delete(outings).where(outings.c.opened_at > since))
    connection.execute(
        update(outings).where(outings.c.heard_until > since).values(heard_until=float(since))
    )
