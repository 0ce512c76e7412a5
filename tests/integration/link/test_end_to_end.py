"""Edge outbox → real Mosquitto → inbox commit → receipt → outbox empty."""

import asyncio
import shutil
from pathlib import Path

import aiomqtt
import msgspec
import structlog

from gateway.clock import Clock
from gateway.link.acceptor import RowsLost, Twin
from gateway.link.envelope import Kind, Status, decode_status
from gateway.model import Lane, Window
from tests.integration.conftest import Mosquitto
from tests.integration.link.ends import GATEWAY, TOPICS, Edge, SqliteInbox, edge, hub, until

QUICK = Clock(rate=10.0)  # the sender's 5 s pass in half a second


def numbers(inbox: SqliteInbox, lane: Lane | None = None) -> list[int]:
    rows = [row for row in inbox.rows(lane) if row[0] == Kind.SIGHTINGS]
    return [msgspec.json.decode(items, type=list[Window])[0].second for _, _, items in rows]


async def append_all(sender: Edge, wanted: range, lane: Lane = Lane.LIVE) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in wanted:
            tasks.create_task(sender.append(number, lane), name=f"append {number}")


async def test_rows_of_three_lanes_are_committed_and_receipted(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with (
        hub(tmp_path / "hub.sqlite", mosquitto) as receiving,
        edge(tmp_path / "outbox.sqlite", mosquitto, clock=Clock()) as sending,
    ):
        for lane in Lane:
            await append_all(sending, range(300), lane)
        await receiving.inbox.wait_for(900)
        await sending.wait_until_empty()
        for lane in Lane:
            assert numbers(receiving.inbox, lane) == list(range(300))
        assert receiving.receiver.counts["accepted"] == 900
        assert sending.sender.lane() is Lane.LIVE


async def test_a_broker_killed_after_its_puback_loses_nothing(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """No hub is there, the broker acknowledges all that it is given, and dies with it."""
    async with edge(tmp_path / "outbox.sqlite", mosquitto, clock=QUICK) as sending:
        await append_all(sending, range(200))
        await until(lambda: sending.sender.counts["sent"] >= 64)
        mosquitto.kill()
        await append_all(sending, range(200, 300))
        mosquitto.start()
        async with hub(tmp_path / "hub.sqlite", mosquitto) as receiving:
            await receiving.inbox.wait_for(300)
            await sending.wait_until_empty()
            assert numbers(receiving.inbox) == list(range(300))


async def test_a_broker_killed_again_and_again_under_traffic_loses_nothing(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with (
        hub(tmp_path / "hub.sqlite", mosquitto) as receiving,
        edge(tmp_path / "outbox.sqlite", mosquitto, clock=QUICK) as sending,
    ):
        for kill in range(3):
            await append_all(sending, range(kill * 200, kill * 200 + 200))
            await receiving.inbox.wait_for(kill * 200 + 20)
            mosquitto.kill()
            mosquitto.start()
        await receiving.inbox.wait_for(600)
        await sending.wait_until_empty()
        assert numbers(receiving.inbox) == list(range(600))


async def test_a_broker_absent_at_the_start_is_said_once_and_waited_for(
    tmp_path: Path, stopped_mosquitto: Mosquitto
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with (
            hub(tmp_path / "hub.sqlite", stopped_mosquitto) as receiving,
            edge(tmp_path / "outbox.sqlite", stopped_mosquitto, clock=QUICK) as sending,
        ):
            await append_all(sending, range(10))
            await asyncio.sleep(1.5)  # several attempts
            stopped_mosquitto.start()
            await receiving.inbox.wait_for(10)
            assert numbers(receiving.inbox) == list(range(10))
    told = [each for each in logs if each["event"].startswith("broker not reached")]
    assert len(told) == 2  # one by each of the two
    assert {each["port"] for each in told} == {stopped_mosquitto.port}


async def test_a_hub_that_cannot_commit_receipts_nothing_and_catches_up(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with (
        hub(tmp_path / "hub.sqlite", mosquitto) as receiving,
        edge(tmp_path / "outbox.sqlite", mosquitto, clock=QUICK) as sending,
    ):
        receiving.inbox.failing = True
        await append_all(sending, range(100))
        await until(lambda: receiving.receiver.counts["commit_failed"] >= 2)
        assert (await sending.outbox.stats()).rows == 100
        receiving.inbox.failing = False
        await receiving.inbox.wait_for(100)
        assert numbers(receiving.inbox) == list(range(100))


async def test_a_hub_that_restarts_goes_on_where_it_committed(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with edge(tmp_path / "outbox.sqlite", mosquitto, clock=QUICK) as sending:
        for life in range(3):
            async with hub(tmp_path / "hub.sqlite", mosquitto, instance=f"{life}") as receiving:
                await append_all(sending, range(life * 50, life * 50 + 50))
                await receiving.inbox.wait_for(life * 50 + 10)
        async with hub(tmp_path / "hub.sqlite", mosquitto, instance="last") as receiving:
            await receiving.inbox.wait_for(150)
            assert numbers(receiving.inbox) == list(range(150))


async def test_a_lost_outbox_is_seen(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with hub(tmp_path / "hub.sqlite", mosquitto) as receiving:
        for life in range(2):
            path = tmp_path / f"outbox-{life}.sqlite"
            async with edge(path, mosquitto, clock=Clock()) as sending:
                await sending.append(life)
                await receiving.inbox.wait_for(life + 1)
                await sending.wait_until_empty()
        assert [type(event) for event in receiving.events] == [RowsLost]
        assert numbers(receiving.inbox) == [0, 1]


async def test_two_gateways_with_one_id_lose_nothing_and_are_seen(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with (
        hub(tmp_path / "hub.sqlite", mosquitto) as receiving,
        edge(tmp_path / "one.sqlite", mosquitto, clock=Clock()) as one,
        edge(tmp_path / "two.sqlite", mosquitto, clock=Clock()) as two,
    ):
        for number in range(0, 20, 2):
            await one.append(number)
            await receiving.inbox.wait_for(number + 1)
            await two.append(number + 1)
            await receiving.inbox.wait_for(number + 2)
        assert numbers(receiving.inbox) == list(range(20))
        assert any(isinstance(event, Twin) for event in receiving.events)
        assert one.broker.counts["lost"] == two.broker.counts["lost"] == 0


async def test_an_outbox_put_back_from_a_copy_begins_a_new_epoch_and_loses_nothing(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    path, copy = tmp_path / "outbox.sqlite", tmp_path / "copy.sqlite"
    async with hub(tmp_path / "hub.sqlite", mosquitto) as receiving:
        async with edge(path, mosquitto, clock=QUICK) as sending:
            await append_all(sending, range(5))
            await sending.wait_until_empty()
        shutil.copy(path, copy)
        async with edge(path, mosquitto, clock=QUICK) as sending:
            await append_all(sending, range(5, 20))
            await sending.wait_until_empty()
        async with edge(copy, mosquitto, clock=QUICK) as sending:
            await append_all(sending, range(20, 25))
            await sending.wait_until_empty()
        assert numbers(receiving.inbox) == list(range(25))


async def test_the_status_is_retained_and_a_death_is_told_by_the_will(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    topic = TOPICS.gateway_status(GATEWAY)
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as watcher:
        async with edge(tmp_path / "outbox.sqlite", mosquitto, clock=Clock()) as sending:
            await until(lambda: sending.broker.connected)
            await watcher.subscribe(topic, qos=1)
            assert await next_status(watcher) == Status(online=True, instance="edge")
        assert await next_status(watcher) == Status(online=False)


async def test_a_late_will_of_a_dead_connection_is_answered(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    topic = TOPICS.gateway_status(GATEWAY)
    async with (
        aiomqtt.Client(mosquitto.host, mosquitto.port) as watcher,
        edge(tmp_path / "outbox.sqlite", mosquitto, clock=Clock()) as sending,
    ):
        await until(lambda: sending.broker.connected)
        await watcher.subscribe(topic, qos=1)
        await next_status(watcher)
        await watcher.publish(topic, b'{"online":false}', qos=1, retain=True)
        assert await next_status(watcher) == Status(online=False)
        assert await next_status(watcher) == Status(online=True, instance="edge")


async def next_status(watcher: aiomqtt.Client) -> Status:
    async with asyncio.timeout(10):
        message = await anext(aiter(watcher.messages))
    status = decode_status(bytes(message.payload))
    assert isinstance(status, Status)
    return status
