"""The live stream over HTTP: own carriers only, and as long as the session."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway.api.callers import token_hash
from gateway.api.stream import Subscription
from gateway.model import CarrierKind, Trust
from gateway.store import access, people, sessions
from gateway.store.people import Carrier, Tag
from tests.unit.api.town import NOW, Town, bearer, clock_off, eventually, position, sos

STREAM = "/api/v1/stream"
TICK_S = 0.01


def events(answer: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for block in answer.text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def watching(town: Town, login: str, act: Any) -> list[tuple[str, Any]]:
    """What `login` hears while `act(subscription)` runs and until the stream ends."""
    async with town.client(login) as client, asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(client.get(STREAM))
        await act(await town.stream.opened.get())
        return events(await answer)


async def test_a_guardian_hears_own_carriers_and_own_alerts(town: Town) -> None:
    async def act(_: Subscription) -> None:
        for tag in ("t-sato", "t-kato", "t-nobody"):
            town.stream.position(position(tag=tag))
            town.stream.alert(sos(tag=tag))
        town.stream.alert(clock_off())
        await drained(town)
        town.stream.close()

    heard = await watching(town, "sato", act)
    assert [name for name, _ in heard] == ["time", "alert", "position"]
    assert heard[0][1] == {"now": NOW}
    assert heard[1][1]["carrier"] == heard[2][1]["carrier"] == "c-sato"


async def drained(town: Town) -> None:
    """Until every stream has given what waited in it; it ends with what still waits."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("login", ["suzuki", "takeda"])
async def test_staff_and_technicians_hear_of_devices_only(town: Town, login: str) -> None:
    async def act(_: Subscription) -> None:
        town.stream.position(position())
        town.stream.alert(sos())
        town.stream.alert(clock_off())
        await drained(town)
        town.stream.close()

    heard = await watching(town, login, act)
    assert [(name, body.get("id")) for name, body in heard] == [("time", None), ("alert", "a-tech")]


async def test_opening_a_stream_is_a_look_at_each_carrier(town: Town) -> None:
    async def act(_: Subscription) -> None:
        town.stream.close()

    await watching(town, "sato", act)
    looks = await town.database.read(access.looks, "c-sato", limit=9)
    assert [(look.who, look.what) for look in looks] == [("sato", "live")]
    assert await town.database.read(access.looks, "c-kato", limit=9) == []


async def test_the_time_is_told_again_and_again(town: Town) -> None:
    town.tick_s = TICK_S

    async def act(subscription: Subscription) -> None:
        watches = [subscription.watch]
        for _ in range(3):
            await eventually(lambda: subscription.watch is not watches[-1])
            watches.append(subscription.watch)
        town.stream.close()

    heard = await watching(town, "sato", act)
    assert len(heard) >= 4
    assert {name for name, _ in heard} == {"time"}


async def test_logging_out_ends_the_stream_at_once(town: Town) -> None:
    async def act(_: Subscription) -> None:
        async with town.client("sato") as other:
            await other.delete("/api/v1/session")
        town.stream.position(position())

    assert [name for name, _ in await watching(town, "sato", act)] == ["time"]


async def test_a_session_that_is_revoked_elsewhere_ends_the_stream(town: Town) -> None:
    town.tick_s = TICK_S

    async def act(_: Subscription) -> None:
        await town.database.write(sessions.end, token_hash(bearer("sato")))

    assert {name for name, _ in await watching(town, "sato", act)} == {"time"}


async def test_a_session_that_expires_ends_the_stream(town: Town) -> None:
    town.tick_s = TICK_S

    async def act(_: Subscription) -> None:
        town.clock.forward(365 * 86_400.0)

    assert (await watching(town, "sato", act))[0] == ("time", {"now": NOW})


async def test_rights_are_read_again_and_a_new_ward_is_a_look(town: Town) -> None:
    town.tick_s = TICK_S
    sato = await town.database.read(people.user, "sato")

    async def act(subscription: Subscription) -> None:
        new = Carrier("c-new", "New", CarrierKind.ELDER)
        await town.database.write(people.add_carrier, new)
        await town.database.write(people.add_guardianship, sato, "c-new")
        tag = Tag("t-new", "c-new", Trust.LOW, NOW, "self")
        await town.database.write(people.add_tag, tag, [])
        await town.database.write(people.end_guardianship, sato.id, "c-sato")
        await eventually(lambda: list(subscription.watch.carriers) == ["t-new"])
        town.stream.position(position(tag="t-sato"))
        town.stream.position(position(tag="t-new"))
        await drained(town)
        town.stream.close()

    heard = [body["carrier"] for name, body in await watching(town, "sato", act) if name != "time"]
    assert heard == ["c-new"]
    assert [look.what for look in await town.database.read(access.looks, "c-new", limit=9)] == [
        "live"
    ]
