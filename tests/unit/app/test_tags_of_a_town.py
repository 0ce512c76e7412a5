"""Three hundred native tags for two hours: what is sent on the air, through to tags and alerts."""

from random import Random

import pytest

from gateway.link.envelope import Kind
from gateway.model import Advert, AlertKind, Sealed
from gateway.store import sealed_waiting, suspicions
from gateway.store.database import Database
from gateway.tags.gate import Gate
from tests.unit.app.tag_pieces import PRESSED, NativeTag, TagHub, add_tags
from tests.unit.app.town import NOW, HandClock

HOURS = 2
STEP_S = 400
DRIFT = 150e-6
GATEWAYS = ("gw-01", "gw-02")


@pytest.fixture
async def hub(database: Database, tags: list[NativeTag]) -> TagHub:
    """It knows all of them."""
    await database.write(add_tags, tags)
    return await TagHub(database, HandClock()).begin()


@pytest.fixture
def tags() -> list[NativeTag]:
    """Each clock is off, and runs at a pace of its own."""
    return [NativeTag(number, ahead_s=Random(number).uniform(-50, 50)) for number in range(300)]


def on_air(tag: NativeTag, at: float, number: int) -> tuple[Advert, Advert]:
    """Its EID frame and a press, from the address that it has now."""
    address = f"C4:00:00:00:{number // 256:02X}:{number % 256:02X}"
    frame = b"\x30\xe7" + bytes.fromhex(tag.eid(at).removeprefix("eid:"))
    pressed = tag.message(PRESSED, address=address)
    return (
        Advert(at, "r-1", address, -70, {}, {"feaa": frame}),
        Advert(at, "r-1", address, -70, {}, {"fcd2": pressed}),
    )


async def test_every_tag_is_found_and_every_press_alerts_in_its_name_and_nobody_is_suspected(
    hub: TagHub, tags: list[NativeTag]
) -> None:
    gate, random = Gate(hub.registry.allow), Random(5)
    pressed: list[str] = []
    for second in range(NOW, NOW + HOURS * 3_600, STEP_S):
        hub.clock.now = second + 1.0
        await hub.tags.identities.look()
        heard: dict[str, list[str]] = {gateway: [] for gateway in GATEWAYS}
        for number, tag in enumerate(tags):
            tag.ahead_s += random.choice((-1, 1)) * DRIFT * STEP_S
            (frame,) = gate.read(on_air(tag, second, number)[0])
            heard[GATEWAYS[number % 2]].append(frame.identifier)
        for gateway, identifiers in heard.items():
            await hub.hear(second, *identifiers, gateway=gateway)
        owners = [hub.registry.directory.find(tag.eid(second)) for tag in tags]
        assert [one.tag if one else "" for one in owners] == [tag.id for tag in tags]
        number = random.randrange(len(tags))
        await press(hub, tags[number], second, number, gateway=random.choice(GATEWAYS))
        pressed.append(tags[number].id)
    assert [one.tag for one in hub.told] == pressed
    assert {(one.kind, one.suspect) for one in hub.told} == {(AlertKind.SOS, "")}
    assert await hub.database.read(sealed_waiting.first, limit=9) == {}
    for tag in tags:
        kept = await hub.database.read(suspicions.between, tag.id, since=0.0, until=1e12)
        assert kept == ()


async def press(hub: TagHub, tag: NativeTag, second: int, number: int, *, gateway: str) -> None:
    """Heard at a gateway that may never have heard the tag before."""
    advert = on_air(tag, second, number)[1]
    (frame,) = Gate(hub.registry.allow).read(advert)
    payload = advert.services["fcd2"]
    assert frame.identifier == ""
    told = Sealed(float(second), "r-1", advert.address, payload.hex(), -70)
    await hub.receive(told, kind=Kind.SEALED, gateway=gateway)
    await hub.tags.sos.try_waiting()
