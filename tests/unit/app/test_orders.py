"""An edge is told its receivers and its urgent identifiers, when they change or it began anew."""

from pathlib import Path

import msgspec
import pytest

from gateway.app.orders import Orders
from gateway.app.registry import Registry
from gateway.clock import Clock
from gateway.link.envelope import Kind
from gateway.model import EdgeOrders, Lane, ReceiverSource, TagIdentifier
from gateway.site import load_site
from gateway.store import outgoing, people
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from tests.unit.app.tag_pieces import NativeTag, add_tags
from tests.unit.app.test_registry import add_identifier
from tests.unit.app.town import BUTTON, add_child, fill_disk, free_disk
from tests.unit.cli.town_pieces import STREET, receiver
from tests.unit.geojson_pieces import write_site

ALLOW = ("ibeacon:x",)  # of the child's tag and its button


class Desk:
    """Orders of a site with two gateways; `sent` is what each was told, in order."""

    def __init__(self, database: Database, folder: Path) -> None:
        features = (
            STREET,
            receiver(0, (0, 4)),
            receiver(1, (30, 4), format=None, topic=None),  # an adapter of gw-01
            receiver(2, (60, 4), gateway="gw-02"),
            receiver(3, (90, 4), gateway=None, format=None, topic=None),
        )
        self.database = database
        self.registry = Registry(database)
        site = load_site(write_site(folder, features, name="two gateways"))
        self.orders = Orders(site, self.registry, database, Clock())

    async def sent(self, gateway: str) -> list[EdgeOrders]:
        rows = await self.database.read(
            outgoing.rows, Queue("down", gateway), lane=Lane.URGENT, after=0, limit=100
        )
        assert {row.kind for row in rows} <= {Kind.ORDERS}
        return [msgspec.json.decode(row.items, type=list[EdgeOrders])[0] for row in rows]

    async def counts(self) -> list[int]:
        return [len(await self.sent(gateway)) for gateway in self.orders.gateways]


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> Desk:
    await database.write(add_child)
    made = Desk(database, tmp_path)
    await made.registry.refresh()
    return made


async def test_each_gateway_gets_its_own_receivers_and_every_button(desk: Desk) -> None:
    assert desk.orders.gateways == ("gw-01", "gw-02")
    await desk.orders.send_changes()
    own = ReceiverSource("r-0", "openmqttgateway", "home/OMG_0")
    assert await desk.sent("gw-01") == [EdgeOrders((own,), (BUTTON.identifier,), ALLOW)]
    other = ReceiverSource("r-2", "openmqttgateway", "home/OMG_2")
    assert await desk.sent("gw-02") == [EdgeOrders((other,), (BUTTON.identifier,), ALLOW)]


async def test_what_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    await desk.orders.send_changes()
    await desk.orders.send_changes()
    assert await desk.counts() == [1, 1]


async def test_a_new_button_is_told_to_every_gateway(desk: Desk) -> None:
    await desk.orders.send_changes()
    await desk.database.write(add_identifier, TagIdentifier("ibeacon:x:9:9", "t-9", button=True))
    await desk.registry.refresh()
    await desk.orders.send_changes()
    assert await desk.counts() == [2, 2]
    assert (await desk.sent("gw-02"))[-1].buttons == (BUTTON.identifier, "ibeacon:x:9:9")


async def test_a_tag_with_keys_that_is_added_is_told_to_every_gateway_and_a_disabled_one_too(
    desk: Desk,
) -> None:
    await desk.orders.send_changes()
    await desk.database.write(add_tags, [NativeTag(7)])
    await desk.registry.refresh()
    await desk.orders.send_changes()
    assert (await desk.sent("gw-01"))[-1].allow == ("bthome", "eid", "ibeacon:x")
    await desk.database.write(people.set_disabled, "t-7", 1.0)
    await desk.registry.refresh()
    await desk.orders.send_changes()
    assert (await desk.sent("gw-01"))[-1].allow == ALLOW
    assert await desk.counts() == [3, 3]


async def test_a_gateway_with_a_new_outbox_is_told_again(desk: Desk) -> None:
    await desk.orders.send_changes()
    desk.orders.forget("gw-02")
    await desk.orders.send_changes()
    assert await desk.counts() == [1, 2]


async def test_a_gateway_that_was_restarted_is_told_again(desk: Desk) -> None:
    """It may have lost all, and then hears nothing by which the hub could know."""
    await desk.orders.send_changes()
    for instance in ("first", "first", "first"):
        desk.orders.note_instance("gw-01", instance)
        await desk.orders.send_changes()
    assert await desk.counts() == [1, 1]
    desk.orders.note_instance("gw-01", "second")
    await desk.orders.send_changes()
    assert await desk.counts() == [2, 1]


async def test_what_a_full_disk_did_not_take_is_sent_later(desk: Desk) -> None:
    long = TagIdentifier("ibeacon:" + "x" * 8_000, "t-9", button=True)
    await desk.database.write(add_identifier, long)
    await desk.registry.refresh()
    await desk.database.write(fill_disk)
    with pytest.raises(StoreError):
        await desk.orders.send_changes()
    await desk.database.write(free_disk)
    await desk.orders.send_changes()
    assert await desk.counts() == [1, 1]
