"""Orders join the site's file with what people set."""

from pathlib import Path

import msgspec
import pytest

from gateway.lamps import LampType
from gateway.lights.defaults import DEFAULT_CALENDAR
from gateway.lights.documents import AstronomicalPeriod, Calendar, Program
from gateway.lights.orders import LightOrders
from gateway.site import Site, load_site
from gateway.store import lamps, light_documents, light_orders
from gateway.store.database import Connection, Database, StoreError
from gateway.store.lamps import LampSettings
from gateway.store.light_documents import DocumentKind
from tests.unit.cli.town_pieces import STREET
from tests.unit.geojson_pieces import feature, lonlat, point, write_site

TYPES = {name: LampType(name, ((0.0, 0.0), (100.0, 40.0))) for name in ("led-40", "led-60")}
EVENING = Program("evening", (AstronomicalPeriod(),))
DAILY = Calendar("daily", "evening")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two driven lamps of two gateways, and one that nothing drives."""
    features = (
        STREET,
        feature(
            "lamp", point((0, 4)), id="l-1", gateway="gw-01", bus="b", unit=1, groups=["front"]
        ),
        feature("lamp", point((30, 4)), id="l-2", gateway="gw-02", bus="b", unit=1),
        feature("lamp", point((60, 4)), id="l-3"),
    )
    return load_site(write_site(tmp_path, features, name="lamps"))


def fill(connection: Connection) -> None:
    for kind, document in ((DocumentKind.PROGRAM, EVENING), (DocumentKind.CALENDAR, DAILY)):
        body = msgspec.json.encode(document)
        light_documents.put(connection, kind, document.id, body, at=1.0, by="sato")
    lamps.set_settings(connection, "l-1", LampSettings("daily", {"temperature_c": 70.0}))


async def orders(database: Database, site: Site, gateway: str | None) -> LightOrders:
    return await database.read(
        light_orders.light_orders, site, TYPES, gateway=gateway, time_zone="Asia/Tokyo"
    )


async def test_a_gateway_gets_its_own_lamps_with_what_is_set(
    database: Database, site: Site
) -> None:
    await database.write(fill)
    found = await orders(database, site, "gw-01")
    (lamp,) = found.lamps
    assert (lamp.lamp, lamp.bus, lamp.unit, lamp.groups) == ("l-1", "b", 1, ("front",))
    assert (lamp.calendar, lamp.limits) == ("daily", {"temperature_c": 70.0})
    assert (found.programs, found.calendars) == ((EVENING,), (DAILY,))
    assert [one.id for one in found.types] == ["led-40"]
    assert (found.lon, found.lat) == pytest.approx(tuple(lonlat(30, 4)), abs=1e-6)


async def test_all_driven_lamps_are_there_where_no_gateway_is_named(
    database: Database, site: Site
) -> None:
    found = await orders(database, site, None)
    assert [(one.lamp, one.calendar) for one in found.lamps] == [
        ("l-1", DEFAULT_CALENDAR),
        ("l-2", DEFAULT_CALENDAR),
    ]


async def test_a_lamp_that_has_none_follows_what_is_called_like_its_group(
    database: Database, site: Site
) -> None:
    body = msgspec.json.encode(Calendar("front", "evening"))
    kind = DocumentKind.CALENDAR
    await database.write(light_documents.put, kind, "front", body, at=1.0, by="sato")
    followed = await database.read(light_orders.followed, site.lamps)
    assert followed == {"l-1": "front", "l-2": DEFAULT_CALENDAR}
    assert [one.calendar for one in (await orders(database, site, "gw-01")).lamps] == ["front"]
    await database.write(lamps.assign, ["l-1"], "daily")
    assert (await database.read(light_orders.followed, site.lamps))["l-1"] == "daily"


async def test_the_version_grows_with_each_change(database: Database, site: Site) -> None:
    seen = [(await orders(database, site, None)).version]
    await database.write(fill)
    seen.append((await orders(database, site, None)).version)
    await database.write(lamps.assign, ["l-1", "l-2"], "daily")
    seen.append((await orders(database, site, None)).version)
    await database.write(lamps.set_settings, "l-1", LampSettings())
    seen.append((await orders(database, site, None)).version)
    assert seen == sorted(set(seen))


async def test_a_document_that_cannot_be_read_is_named(database: Database, site: Site) -> None:
    body = b'{"id":"x","lit":"always"}'
    await database.write(
        light_documents.put, DocumentKind.PROGRAM, "x", body, at=1.0, by="a newer one"
    )
    with pytest.raises(StoreError, match="A program in the database cannot be read"):
        await orders(database, site, None)
