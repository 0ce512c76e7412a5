"""Whose a rotating identifier is, is decided where it comes in, and stays so."""

import pytest

from gateway.app.identities import LATE_S
from gateway.link.receiver import CommitError
from gateway.model import AlertKind, Doubt
from gateway.store import heard_eids, people, sightings, suspicions, tag_keys
from gateway.store.database import Database
from gateway.store.tag_keys import Counter
from tests.unit.app.tag_pieces import NativeTag, TagHub, add_tags
from tests.unit.app.town import NOW, HandClock, fill_disk, free_disk

SLOT_S = 1_024
HOUR_S = 3_600
ANN, BEN = NativeTag(1), NativeTag(2)


@pytest.fixture
async def hub(database: Database) -> TagHub:
    """A hub that knows two native tags."""
    await database.write(add_tags, [ANN, BEN])
    return await TagHub(database, HandClock()).begin()


async def identifiers(hub: TagHub, second: int) -> list[str]:
    stored = await hub.database.read(sightings.windows_between, second, second + 1)
    return [reading.identifier for one in stored for reading in one.window.readings]


async def live(hub: TagHub, second: int, *sent: str) -> None:
    """Heard now, and the identities' own work is done."""
    hub.clock.now = second + 1.0
    await hub.hear(second, *sent)
    await hub.tags.identities.look()


async def doubts(hub: TagHub, tag: NativeTag) -> set[Doubt]:
    kept = await hub.database.read(suspicions.between, tag.id, since=0.0, until=1e12)
    return {one.doubt for one in kept}


async def test_a_tag_is_known_by_what_it_sends_now_and_stays_known_when_it_has_changed(
    hub: TagHub,
) -> None:
    await live(hub, NOW, ANN.eid(NOW), BEN.eid(NOW))
    find = hub.registry.directory.find
    for tag in (ANN, BEN):
        known = find(tag.eid(NOW))
        assert known is not None
        assert (known.tag, known.button) == (tag.id, False)
    later = NOW + 2 * HOUR_S
    await live(hub, later, ANN.eid(later))
    assert find(ANN.eid(later)) is not None
    assert find(ANN.eid(NOW)) is not None
    assert await identifiers(hub, NOW) == [ANN.eid(NOW), BEN.eid(NOW)]
    assert await hub.database.read(suspicions.between, ANN.id, since=0.0, until=1e12) == ()


async def test_what_was_bound_is_in_the_database_and_the_next_process_knows_it(
    hub: TagHub,
) -> None:
    await live(hub, NOW, ANN.eid(NOW))
    bound = await hub.database.read(heard_eids.known)
    assert {one: whose.tag for one, whose in bound.items()} == {ANN.eid(NOW): ANN.id}
    assert bound[ANN.eid(NOW)].until == NOW + SLOT_S + LATE_S
    again = await hub.restarted()
    assert again.registry.directory.find(ANN.eid(NOW)) is not None


async def test_a_strangers_identifier_is_kept_as_it_came_and_nobodys(hub: TagHub) -> None:
    stranger = "eid:00112233445566ff"
    await live(hub, NOW, stranger, "eid:broken")
    assert hub.registry.directory.find(stranger) is None
    assert await identifiers(hub, NOW) == [stranger, "eid:broken"]
    assert hub.intake.counts["eids_unknown"] == 2


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_recording_is_put_aside_and_the_tag_suspected_once_in_ten_minutes(
    hub: TagHub, restarts: bool
) -> None:
    recorded = ANN.eid(NOW)
    for second in range(NOW, NOW + 2 * HOUR_S, 512):
        await live(hub, second, ANN.eid(second))
    if restarts:
        await hub.tags.identities.keep()
        hub = await hub.restarted()
    later = NOW + 2 * HOUR_S
    for second in range(later, later + 5):
        await live(hub, second, recorded, ANN.eid(second))
    assert await identifiers(hub, later) == [recorded.replace("eid:", "replay:"), ANN.eid(later)]
    assert hub.registry.directory.find(recorded.replace("eid:", "replay:")) is None
    assert await doubts(hub, ANN) == {Doubt.CLOSED_SLOT}
    kept = await hub.database.read(suspicions.between, ANN.id, since=0.0, until=1e12)
    assert [(one.at, one.receivers) for one in kept] == [(later, ("r-1",))]
    assert [one.kind for one in hub.told] == [AlertKind.TAG_SUSPECT]


async def test_after_a_change_of_battery_a_tag_is_found_again_and_its_counter_begins_anew(
    hub: TagHub,
) -> None:
    for second in range(NOW, NOW + 2 * HOUR_S, 256):
        await live(hub, second, ANN.eid(second))
    await hub.database.write(tag_keys.set_counter, ANN.id, Counter(900, float(NOW)))
    await hub.tags.identities.keep()
    reborn = NativeTag(1, ahead_s=-6 * HOUR_S)
    since = NOW + 3 * HOUR_S
    until = since + 9 * HOUR_S
    found_at = None
    for second in range(since, until, 64):
        await live(hub, second, reborn.eid(second))
        known = hub.registry.directory.find(reborn.eid(second))
        if found_at is None and known is not None and known.tag == ANN.id:
            found_at = second
    assert found_at is not None
    assert found_at - since <= SLOT_S
    assert Doubt.PROVISIONAL in await doubts(hub, ANN)
    await hub.tags.identities.keep()
    assert await hub.database.read(tag_keys.counter, ANN.id) is None
    last = until - until % 64 + 64
    await live(hub, last, reborn.eid(last))
    assert await identifiers(hub, last) == [reborn.eid(last)]


async def test_what_the_wide_search_finds_is_bound_and_its_seconds_are_gone_through_again(
    hub: TagHub,
) -> None:
    for second in range(NOW, NOW + HOUR_S, 256):
        await live(hub, second, ANN.eid(second))
    lost = NOW + 2 * HOUR_S
    reborn = NativeTag(1, ahead_s=-6 * HOUR_S).eid(lost)
    hub.clock.now = lost + 200.0
    await hub.hear(lost, reborn)
    assert hub.registry.directory.find(reborn) is None
    await hub.database.write(sightings.mark_late, lost, lost + 1)
    stretch = await hub.database.read(sightings.late_stretch, longest_s=60)
    assert stretch is not None
    await hub.database.write(sightings.set_amended, stretch)
    assert await hub.database.read(sightings.late_stretch, longest_s=60) is None
    await hub.tags.identities.look()
    known = hub.registry.directory.find(reborn)
    assert known is not None
    assert known.tag == ANN.id
    assert Doubt.PROVISIONAL in {one.doubt for one in hub.doubted}
    stretch = await hub.database.read(sightings.late_stretch, longest_s=3_600)
    assert stretch is not None
    assert stretch.since <= lost < stretch.until


async def test_windows_of_a_gateway_that_was_away_for_hours_are_read_by_their_own_time(
    hub: TagHub,
) -> None:
    hub.clock.now = NOW + 9.0 * HOUR_S
    await hub.tags.identities.look()
    for hour in range(8):
        second = NOW + hour * HOUR_S
        await hub.hear(second, ANN.eid(second))
        hub.clock.now += 31.0
        await hub.tags.identities.look()
        assert await identifiers(hub, second) == [ANN.eid(second)]
        assert hub.registry.directory.find(ANN.eid(second)) is not None
    assert await doubts(hub, ANN) == set()


async def test_what_one_gateway_heard_live_is_not_doubted_when_another_tells_it_hours_later(
    hub: TagHub,
) -> None:
    for second in range(NOW, NOW + 4 * HOUR_S, 500):
        await live(hub, second, ANN.eid(second))
    for second in range(NOW, NOW + 4 * HOUR_S, 500):
        await hub.hear(second, ANN.eid(second), gateway="gw-02")
        await hub.tags.identities.look()
    assert await doubts(hub, ANN) == set()
    assert hub.told == []


async def test_a_batch_that_failed_binds_nothing_and_can_come_again(hub: TagHub) -> None:
    await hub.database.write(fill_disk)
    many = [f"eid:{number:016x}" for number in range(5_000)]
    with pytest.raises(CommitError):
        await hub.hear(NOW, ANN.eid(NOW), *many)
    assert hub.registry.directory.find(ANN.eid(NOW)) is None
    await hub.database.write(free_disk)
    await hub.hear(NOW, ANN.eid(NOW), *many)
    assert hub.registry.directory.find(ANN.eid(NOW)) is not None
    assert ANN.eid(NOW) in await hub.database.read(heard_eids.known)


async def test_the_clocks_of_tags_are_kept_over_a_restart(hub: TagHub) -> None:
    late = NativeTag(1, ahead_s=-40.0)
    for second in range(NOW, NOW + 3 * SLOT_S, 128):
        await live(hub, second, late.eid(second))
    await hub.tags.identities.keep()
    (clock,) = await hub.database.read(tag_keys.clocks)
    assert clock.tag == ANN.id
    assert clock.ahead_lo_s <= -40.0 <= clock.ahead_hi_s


async def test_a_disabled_tag_is_nobodys(hub: TagHub) -> None:
    await live(hub, NOW, ANN.eid(NOW))
    await hub.database.write(people.set_disabled, ANN.id, float(NOW))
    await hub.registry.refresh()
    assert hub.registry.directory.find(ANN.eid(NOW)) is None
    await live(hub, NOW + 5, ANN.eid(NOW + 5))
    assert hub.registry.directory.find(ANN.eid(NOW + 5)) is None
    assert await doubts(hub, ANN) == set()
