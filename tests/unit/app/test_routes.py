"""What becomes of the ways: in the database at last, in memory before that, lost never."""

import pytest

from gateway.app.stepper import REPLAY_S
from gateway.model import Outing, Quality, RoutePoint, Window
from gateway.store import outings
from gateway.tags.trails import HELD_S
from tests.unit.app.town import (
    NOW,
    RECEIVERS,
    TAG,
    Street,
    to_school,
)

SECONDS = 90
WALK = to_school(NOW, SECONDS)
SILENCE = [Window(NOW + SECONDS + k, RECEIVERS, ()) for k in range(100)]


async def stored(town: Street) -> list[RoutePoint]:
    return await town.database.read(outings.between, TAG, since=0.0, until=1e12, limit=10_000)


async def known_outings(town: Street) -> list[Outing]:
    return await town.database.read(outings.of_tag, TAG, since=0.0, until=1e12)


def metres_away(one: RoutePoint, other: RoutePoint) -> float:
    return 111_195 * max(abs(one.lon - other.lon), abs(one.lat - other.lat))


async def test_a_way_is_stored_to_its_end_once_the_tag_is_silent(town: Street) -> None:
    await town.live([*WALK, *SILENCE])
    points = await stored(town)
    assert [one.at for one in points] == [NOW + 1.0 + 5 * n for n in range(18)]
    assert {one.quality for one in points} == {Quality.ROUTE}
    assert await known_outings(town) == [Outing(TAG, NOW + 1.0, NOW + 86.0)]
    assert town.routes.recent([TAG]) == []


async def test_the_newest_minute_is_in_memory_and_continues_what_is_stored(town: Street) -> None:
    await town.live(WALK)
    points, recent = await stored(town), list(town.routes.recent([TAG, "t-none"]))
    assert {one.quality for one in recent} == {Quality.CONFIRMED}
    times = [one.at for one in (*points, *recent)]
    assert times == [NOW + 1.0 + 5 * n for n in range(len(times))]
    assert times[-1] > NOW + SECONDS - 15
    assert NOW + SECONDS - points[-1].at < HELD_S
    assert town.routes.recent(["t-none"]) == []


@pytest.mark.parametrize("killed_after", [4, 20, 33, 61, 80])
async def test_a_hub_that_was_killed_has_the_whole_way_afterwards(
    town: Street, killed_after: int
) -> None:
    await town.live(WALK[:killed_after])
    before = await stored(town)
    again = await town.restarted()
    await again.live([*WALK[killed_after:], *SILENCE])
    points = await stored(again)
    assert points[: len(before)] == before
    assert [one.at for one in points] == [NOW + 1.0 + 5 * n for n in range(18)]
    assert await known_outings(again) == [Outing(TAG, NOW + 1.0, NOW + 86.0)]


async def test_a_hub_that_was_killed_knows_at_once_what_was_confirmed(town: Street) -> None:
    await town.live(WALK[:70])
    recent = list(town.routes.recent([TAG]))
    again = await town.restarted()
    after = list(again.routes.recent([TAG]))
    assert [one.at for one in after][-len(recent) :] == [one.at for one in recent]
    assert max(map(metres_away, after[-len(recent) :], recent)) < 1.0


async def test_a_way_that_was_told_before_a_restart_is_not_told_anew(town: Street) -> None:
    """The tracker that begins again knows less of the first seconds."""
    later = to_school(NOW, 300)
    await town.live(later[:200])
    before = await stored(town)
    again = await town.restarted()
    await again.live(later[200:])
    after = await stored(again)
    assert after[: len(before)] == before
    assert REPLAY_S > HELD_S
