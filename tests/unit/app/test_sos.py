"""Sealed frames: a tag's SOS always alerts, a recording is marked, a stranger never alerts."""

import asyncio
import secrets
from collections.abc import Sequence

import pytest
import structlog
from sqlalchemy.exc import DBAPIError

from gateway.app.sos import FRAMES_AT_ONCE, SAME_PRESS_S, Sos
from gateway.link.envelope import Kind
from gateway.link.receiver import CommitError
from gateway.model import Alert, AlertKind, Doubt, Lane, Suspicion, TagIdentifier
from gateway.sealing import SealingKey
from gateway.store import alerts, outgoing, sealed_waiting, suspicions, tag_keys, tag_states
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.tag_keys import Counter
from tests.unit.app.tag_pieces import (
    ADDRESS,
    KEY,
    OPENED,
    OUT,
    PRESSED,
    NativeTag,
    TagHub,
    add_tags,
    sealed,
)
from tests.unit.app.town import NOW, HandClock, fill_disk, free_disk, until

DOOR = NativeTag(500)
DOOR_ADDRESS = "AA:BB:CC:DD:EE:FF"
FIXED = TagIdentifier(f"bthome:{DOOR_ADDRESS.lower()}", DOOR.id, button=False)


@pytest.fixture
def ann() -> NativeTag:
    return NativeTag(1)


@pytest.fixture
async def hub(database: Database, ann: NativeTag) -> TagHub:
    """It knows a native tag, a door's sensor with a fixed address, and 300 others."""
    others = [NativeTag(number) for number in range(2, 302)]
    await database.write(add_tags, [*others, DOOR, ann], fixed=[FIXED])
    return await TagHub(database, HandClock()).begin()


def seen(told: list[Alert]) -> list[tuple[str, str]]:
    return [(one.tag, one.suspect) for one in told if one.kind is AlertKind.SOS]


async def waiting(hub: TagHub) -> int:
    return len(await hub.database.read(sealed_waiting.first, limit=9_999))


async def test_a_press_of_the_tag_that_its_address_named_alerts_in_the_transaction_of_its_row(
    hub: TagHub, ann: NativeTag
) -> None:
    await hub.receive(ann.press(NOW - 1.0, near=ann.eid(NOW)), kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, "")]
    assert hub.told[0].at == NOW - 1.0
    assert hub.told == hub.lit
    assert await hub.intake.marks() != {}
    (queued,) = await hub.database.read(outgoing.rows, OUT, lane=Lane.URGENT, after=0, limit=9)
    assert queued.kind == Kind.ALERTS
    assert await waiting(hub) == 0


async def test_a_press_of_a_tag_lately_heard_at_that_gateway_alerts_at_once(
    hub: TagHub, ann: NativeTag
) -> None:
    await hub.hear(NOW - 9, ann.eid(NOW - 9))
    await hub.hear(NOW - 8, ann.eid(NOW - 8))
    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, "")]


async def test_a_press_of_a_tag_that_nobody_heard_is_found_among_all_keys(
    hub: TagHub, ann: NativeTag
) -> None:
    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    assert (hub.told, await waiting(hub)) == ([], 1)
    assert await hub.tags.sos.try_waiting() == 1
    assert seen(hub.told) == [(ann.id, "")]
    assert hub.told == hub.lit
    assert (await waiting(hub), await hub.tags.sos.try_waiting()) == (0, 0)


async def test_the_task_is_woken_by_a_frame_that_waits(hub: TagHub, ann: NativeTag) -> None:
    task = asyncio.create_task(hub.tags.sos.run())
    await asyncio.sleep(0)
    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    await until(lambda: len(hub.told) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_press_that_waits_when_the_hub_is_killed_alerts_after_the_restart(
    hub: TagHub, ann: NativeTag
) -> None:
    await hub.receive(ann.press(NOW - 30.0), kind=Kind.SEALED)
    again = await hub.restarted()
    await again.tags.sos.try_waiting()
    assert seen(again.told) == [(ann.id, "")]
    assert again.told[0].at == NOW - 30.0


async def test_a_press_that_could_not_be_stored_comes_again_and_alerts_once(
    hub: TagHub, ann: NativeTag
) -> None:
    press = ann.press(float(NOW), near=ann.eid(NOW))
    await hub.database.write(fill_disk)
    many = [NativeTag(900 + n).press(float(NOW)) for n in range(900)]
    with pytest.raises(CommitError):
        await hub.receive(press, *many, kind=Kind.SEALED)
    assert hub.told == []
    assert await hub.database.read(tag_keys.counter, ann.id) is None
    await hub.database.write(free_disk)
    await hub.receive(press, kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, "")]


async def test_a_trial_whose_result_cannot_be_stored_is_made_again(
    hub: TagHub, ann: NativeTag
) -> None:
    def away(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE alerts RENAME TO gone")

    def back(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO alerts")

    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    await hub.database.write(away)
    with pytest.raises(DBAPIError):
        await hub.tags.sos.try_waiting()
    await hub.database.write(back)
    assert (hub.told, await waiting(hub)) == ([], 1)
    assert await hub.database.read(tag_keys.counter, ann.id) is None
    await hub.tags.sos.try_waiting()
    assert seen(hub.told) == [(ann.id, "")]


async def test_one_press_heard_by_many_and_again_and_again_is_one_alert(
    hub: TagHub, ann: NativeTag
) -> None:
    press = ann.press(float(NOW), near=ann.eid(NOW))
    for after_s in range(0, 10, 2):
        for receiver in ("r-1", "r-2"):
            again = sealed(bytes.fromhex(press.payload), NOW + after_s, receiver=receiver)
            await hub.receive(again, kind=Kind.SEALED, gateway=f"gw-{receiver}")
    while await hub.tags.sos.try_waiting():
        pass
    assert seen(hub.told) == [(ann.id, "")]
    assert await hub.database.read(tag_keys.counter, ann.id) == Counter(ann.counter, float(NOW))


async def test_a_recording_alerts_and_is_marked_and_the_tag_suspected(
    hub: TagHub, ann: NativeTag
) -> None:
    press = ann.press(float(NOW), near=ann.eid(NOW))
    await hub.receive(press, kind=Kind.SEALED)
    hub.clock.now = later = NOW + SAME_PRESS_S + 1.0
    await hub.receive(sealed(bytes.fromhex(press.payload), later), kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, ""), (ann.id, "counter")]
    (kept,) = await hub.database.read(suspicions.between, ann.id, since=0.0, until=1e12)
    assert (kept.doubt, kept.at, kept.receivers) == (Doubt.COUNTER, later, ("r-1",))
    stored = await hub.database.read(alerts.unended, [AlertKind.SOS])
    assert sorted(one.suspect for one in stored) == ["", "counter"]


async def test_a_true_press_after_a_recording_is_an_alert_of_its_own(
    hub: TagHub, ann: NativeTag
) -> None:
    recorded = ann.press(float(NOW), near=ann.eid(NOW))
    await hub.receive(recorded, kind=Kind.SEALED)
    (first,) = hub.told
    await hub.database.write(
        alerts.change, first.id, alerts.Change(alerts.AlertState.RESOLVED, NOW + 1.0, "sato")
    )
    hub.clock.now = later = NOW + 600.0
    await hub.receive(sealed(bytes.fromhex(recorded.payload), later), kind=Kind.SEALED)
    await hub.receive(ann.press(later + 1.0), kind=Kind.SEALED)
    assert seen(hub.told)[1:] == [(ann.id, "counter"), (ann.id, "")]


async def test_a_press_that_comes_hours_late_is_not_suspect_though_others_came_before_it(
    hub: TagHub, ann: NativeTag
) -> None:
    early = ann.press(NOW - 7_200.0)
    await hub.receive(ann.press(float(NOW), near=ann.eid(NOW)), kind=Kind.SEALED)
    await hub.receive(early, kind=Kind.SEALED, gateway="gw-away")
    await hub.tags.sos.try_waiting()
    assert seen(hub.told) == [(ann.id, ""), (ann.id, "")]
    assert [one.at for one in hub.told] == [NOW, NOW - 7_200.0]


async def test_a_recording_of_a_press_that_comes_late_shows_the_first_to_have_been_one(
    hub: TagHub, ann: NativeTag
) -> None:
    press = ann.press(NOW - 7_200.0)
    replayed = sealed(bytes.fromhex(press.payload), float(NOW), near=ann.eid(NOW))
    await hub.receive(replayed, kind=Kind.SEALED)
    await hub.receive(press, kind=Kind.SEALED, gateway="gw-away")
    assert seen(hub.told) == [(ann.id, ""), (ann.id, "counter")]


async def test_a_sensor_with_a_fixed_address_says_its_state_and_its_press(hub: TagHub) -> None:
    opened = DOOR.message(OPENED, address=DOOR_ADDRESS)
    await hub.receive(sealed(opened, NOW - 5.0, address=DOOR_ADDRESS), kind=Kind.SEALED)
    assert hub.told == []
    states = await hub.database.read(tag_states.of, DOOR.id)
    assert {name: (one.value, one.at) for name, one in states.items()} == {
        "opening": (1.0, NOW - 5.0)
    }
    pressed = DOOR.message(PRESSED, address=DOOR_ADDRESS)
    await hub.receive(sealed(pressed, NOW - 1.0, address=DOOR_ADDRESS), kind=Kind.SEALED)
    assert seen(hub.told) == [(DOOR.id, "")]
    assert hub.intake.counts["sealed_waiting"] == 0


async def test_a_recorded_state_changes_nothing_and_is_suspected(hub: TagHub) -> None:
    shut = DOOR.message(b"\x11\x00", address=DOOR_ADDRESS)
    opened = DOOR.message(OPENED, address=DOOR_ADDRESS)
    for payload, at in ((shut, NOW - 900.0), (opened, NOW - 800.0), (shut, NOW - 1.0)):
        await hub.receive(sealed(payload, at, address=DOOR_ADDRESS), kind=Kind.SEALED)
    states = await hub.database.read(tag_states.of, DOOR.id)
    assert states["opening"].value == 1.0
    (kept,) = await hub.database.read(suspicions.between, DOOR.id, since=0.0, until=1e12)
    assert kept.doubt is Doubt.COUNTER
    assert seen(hub.told) == []


async def test_an_old_press_that_is_played_right_after_a_newer_message_is_a_recording(
    hub: TagHub, ann: NativeTag
) -> None:
    old = ann.press(NOW - 86_400.0)
    ann.counter += 20
    newer = sealed(ann.message(OPENED), NOW - 2.0, near=ann.eid(NOW))
    await hub.receive(newer, kind=Kind.SEALED)
    played = sealed(bytes.fromhex(old.payload), NOW - 1.0, near=ann.eid(NOW))
    await hub.receive(played, kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, "counter")]
    assert hub.doubted == [Suspicion(NOW - 1.0, ann.id, Doubt.COUNTER, ("r-1",))]


async def test_one_frame_that_a_key_opened_by_chance_moves_no_counter_and_says_no_state(
    hub: TagHub, ann: NativeTag
) -> None:
    chance = sealed(ann.message(OPENED), NOW - 9.0)
    for _ in range(2):  # the same one again proves nothing
        await hub.receive(chance, kind=Kind.SEALED)
        await hub.tags.sos.try_waiting()
    assert await hub.database.read(tag_keys.counter, ann.id) is None
    assert await hub.database.read(tag_states.of, ann.id) == {}
    await hub.receive(sealed(ann.message(OPENED), NOW - 5.0), kind=Kind.SEALED)
    await hub.tags.sos.try_waiting()
    assert await hub.database.read(tag_keys.counter, ann.id) == Counter(2, NOW - 5.0)
    assert "opening" in await hub.database.read(tag_states.of, ann.id)


async def test_strangers_never_alert_and_only_wait_behind_the_others(
    hub: TagHub, ann: NativeTag
) -> None:
    stranger = NativeTag(9_999)
    far = "C4:00:00:00:99:99"
    known = stranger.message(PRESSED, address=far)
    await hub.receive(sealed(known, float(NOW), address=far), kind=Kind.SEALED)
    await hub.tags.sos.try_waiting()
    assert (hub.told, await waiting(hub)) == ([], 0)
    assert hub.tags.counts["sealed_strange"] == 1
    for _ in range(FRAMES_AT_ONCE):
        again = stranger.message(PRESSED, address=far)
        await hub.receive(sealed(again, float(NOW), address=far), kind=Kind.SEALED)
    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    await hub.tags.sos.try_waiting()
    assert seen(hub.told) == [(ann.id, "")]
    assert await waiting(hub) == 1


async def test_an_address_that_nobody_knew_is_tried_again_at_once_when_a_tag_uses_it(
    hub: TagHub, ann: NativeTag
) -> None:
    noise = sealed(NativeTag(9_999).message(PRESSED), float(NOW))
    await hub.receive(noise, kind=Kind.SEALED)
    await hub.tags.sos.try_waiting()
    await hub.receive(ann.press(float(NOW), near=ann.eid(NOW)), kind=Kind.SEALED)
    assert seen(hub.told) == [(ann.id, "")]


@pytest.mark.parametrize(
    ("payload", "address"),
    [
        ("", ADDRESS),
        ("zz", ADDRESS),
        ("41" * 300, ADDRESS),
        ("4144", ADDRESS),
        ("40" + PRESSED.hex() + "00" * 8, ADDRESS),
        ("41" + "00" * 12, "nowhere"),
        ("41" + "00" * 12, "C4:00:00:00:00"),
    ],
)
async def test_a_frame_that_cannot_be_one_is_counted_and_does_not_wait(
    hub: TagHub, payload: str, address: str
) -> None:
    broken = sealed(b"", float(NOW), address=address)
    await hub.receive(type(broken)(float(NOW), "r-1", address, payload, -70), kind=Kind.SEALED)
    assert hub.intake.counts["sealed_malformed"] == 1
    assert (hub.told, await waiting(hub)) == ([], 0)


async def test_frames_of_any_bytes_never_alert(hub: TagHub) -> None:
    for _ in range(50):
        noise = b"\x41" + secrets.token_bytes(12)
        await hub.receive(sealed(noise, float(NOW)), kind=Kind.SEALED)
    while await hub.tags.sos.try_waiting():
        pass
    assert seen(hub.told) == []


async def test_a_press_at_no_possible_time_is_an_sos_of_now(hub: TagHub, ann: NativeTag) -> None:
    for at in (-5.0, 100.0, 1e300):
        hub.clock.now += 600.0
        await hub.receive(ann.press(at, near=ann.eid(hub.clock.now)), kind=Kind.SEALED)
    assert [one.at for one in hub.told] == [NOW + 600.0, NOW + 1_200.0, NOW + 1_800.0]


async def test_without_the_hubs_key_frames_wait_for_it(hub: TagHub, ann: NativeTag) -> None:
    keyless = await hub.restarted(key=None)
    await keyless.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    assert await keyless.tags.sos.try_waiting() == 0
    wrong = await hub.restarted(key=SealingKey(b"x" * 32))
    assert await wrong.tags.sos.try_waiting() == 0
    mended = await hub.restarted(key=KEY)
    await mended.tags.sos.try_waiting()
    assert seen(mended.told) == [(ann.id, "")]


async def test_a_site_without_sealed_tags_keeps_no_strangers_frames(database: Database) -> None:
    hub = await TagHub(database, HandClock()).begin()
    await hub.receive(NativeTag(9).press(float(NOW)), kind=Kind.SEALED)
    assert await waiting(hub) == 0
    assert hub.intake.counts["sealed_strange"] == 1


async def test_the_task_tries_again_until_the_database_takes_it(
    hub: TagHub, ann: NativeTag
) -> None:
    refusals = [StoreError("the disk is full")] * 2

    def joined(_: Connection, __: Sequence[Alert], ___: float) -> None:
        if refusals:
            raise refusals.pop()

    sos = Sos(
        hub.database,
        hub.clock,
        hub.registry,
        hub.tags.identities,
        out=OUT,
        joined=joined,
        announce=hub.told.extend,
        suspect=hub.doubted.extend,
    )
    await hub.receive(ann.press(float(NOW)), kind=Kind.SEALED)
    with structlog.testing.capture_logs() as logged:
        task = asyncio.create_task(sos.run())
        await until(lambda: len(hub.told) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert seen(hub.told) == [(ann.id, "")]
    assert refusals == []
    assert len(logged) == 1
