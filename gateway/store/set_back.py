"""A hub's clock had been ahead: what was written under times that are yet to come."""

from sqlalchemy import Connection, delete, update

from gateway.store.schema import outings, positions, route_points, windows, zone_events
from gateway.store.sightings import set_stepped_to


def set_back(connection: Connection, site: str, now: int, *, since: int, by_s: int) -> None:
    """The site is stepped to `now` only; windows from `since` on were captured `by_s` earlier.

    `since` is what the clock said when it was set ahead, or `now` where that is not known.

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
    set_stepped_to(connection, site, now)
