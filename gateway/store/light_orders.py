"""What an edge is to know of its lamps, as the database and the site's file say it together."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
import numpy as np
from sqlalchemy import Connection

from gateway.lamps import LampOrder, LampType
from gateway.lights.defaults import default_calendar
from gateway.lights.documents import Calendar, Program
from gateway.lights.orders import LightOrders
from gateway.site import Lamp, Site
from gateway.store import lamps, light_documents
from gateway.store.errors import StoreError
from gateway.store.lamps import LampSettings
from gateway.store.light_documents import DocumentKind

T = TypeVar("T")


def light_orders(
    connection: Connection,
    site: Site,
    types: Mapping[str, LampType],
    *,
    gateway: str | None,
    time_zone: str,
) -> LightOrders:
    """The orders for one gateway; for all lamps that are driven where `gateway` is None.

    Every program and calendar is in them: few, and an edge may be told of another at any time.
    Raises StoreError where one of them cannot be read.
    """
    own = [one for one in site.lamps if one.gateway and gateway in (None, one.gateway)]
    known = lamps.settings(connection)
    calendar_of = followed(connection, own)
    lon, lat = _middle(site)
    return LightOrders(
        version=version(connection),
        time_zone=time_zone,
        lon=lon,
        lat=lat,
        lamps=tuple(
            _order(lamp, calendar_of[lamp.id], known.get(lamp.id, LampSettings())) for lamp in own
        ),
        types=tuple(types[name] for name in sorted({one.lamp_type for one in own} & set(types))),
        programs=tuple(_documents(connection, DocumentKind.PROGRAM, Program)),
        calendars=tuple(_documents(connection, DocumentKind.CALENDAR, Calendar)),
    )


def followed(connection: Connection, of: Iterable[Lamp]) -> dict[str, str]:
    """The calendar of each lamp that is driven: its own, else the site's default for it."""
    known = lamps.settings(connection)
    calendars = {one.id for one in light_documents.newest(connection, DocumentKind.CALENDAR)}
    return {
        lamp.id: known.get(lamp.id, LampSettings()).calendar
        or default_calendar(lamp.groups, calendars)
        for lamp in of
        if lamp.gateway
    }


def version(connection: Connection) -> int:
    """A number that grows with each change of a program, a calendar or a lamp's settings."""
    return light_documents.changes(connection) + lamps.changes(connection)


def _order(lamp: Lamp, calendar: str, wanted: LampSettings) -> LampOrder:
    return LampOrder(
        lamp=lamp.id,
        bus=lamp.bus,
        unit=lamp.unit,
        profile=lamp.profile,
        lamp_type=lamp.lamp_type,
        place=lamp.xy,
        groups=lamp.groups,
        calendar=calendar,
        limits=wanted.limits,
    )


def _documents(connection: Connection, kind: DocumentKind, wanted: type[T]) -> list[T]:
    found = light_documents.newest(connection, kind)
    try:
        return [msgspec.json.decode(one.body, type=wanted) for one in found]
    except msgspec.DecodeError as error:
        raise StoreError(
            f"A {kind} in the database cannot be read ({error}). Upload it again, or update "
            "Machimori: a newer one wrote it."
        ) from error


def _middle(site: Site) -> tuple[float, float]:
    """The middle of the lamps, degrees: the sun is the same over all of them."""
    places = [one.xy for one in site.lamps] or [one.points[0] for one in site.paths]
    ((lon, lat),) = site.to_lonlat(np.mean(places, axis=0, keepdims=True))
    return float(lon), float(lat)
