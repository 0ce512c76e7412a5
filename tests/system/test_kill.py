"""kill -9 of each process while the town walks: nothing lost without a named gap, nothing twice.

Beside the simulated town a producer keeps a ledger: each of its adverts has an identifier of its
own, so each can be looked for. In the end it stands in exactly one window of the hub's database, or
was produced inside a gap.
"""

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from gateway.model import Window
from tests.needs import ROOT
from tests.system.rig import Rig, until

TOWN = ROOT / "config" / "site.geojson"
PRODUCE_EVERY_S = 0.05
BETWEEN_KILLS_S = 5.0
DOWN_S = 2.5
VICTIMS = ("edge", "hub", "sink", "mosquitto", "influxd")
CHILDREN = 3
NAMESPACE = "6d616368696d6f726900"  # of the third child's tag: an edge looks at no other
FIRST = 1 << 32  # instances that no tag of the town has


@dataclass(slots=True)
class Ledger:
    """What was produced: identifier → time at which the broker had it (or was not there)."""

    produced: dict[str, float] = field(default_factory=dict)
    unsent: int = 0


async def produce(rig: Rig, ledger: Ledger, stop: asyncio.Event) -> None:
    """Publish adverts of one walking tag, and one with an identifier of its own each time."""
    number, topics = 0, _topics()
    while not stop.is_set():
        try:
            async with aiomqtt.Client("127.0.0.1", rig.mqtt_port) as client:
                while not stop.is_set():
                    number += 1
                    await _publish_one(client, ledger, number, rig.now(), topics)
                    await asyncio.sleep(PRODUCE_EVERY_S)
        except aiomqtt.MqttError:
            ledger.unsent += 1
            await asyncio.sleep(0.1)


def _topics() -> list[str]:
    """Of the town's first receivers that pass on raw adverts."""
    features = json.loads(TOWN.read_text())["features"]
    receivers = [one["properties"] for one in features if one["properties"]["kind"] == "receiver"]
    return [one["topic"] for one in receivers if one["format"] == "openmqttgateway"][:6]


async def _publish_one(
    client: aiomqtt.Client, ledger: Ledger, number: int, now: float, topics: Sequence[str]
) -> None:
    advert = {
        "id": "AA:BB:CC:00:00:01",
        "rssi": -70,
        "servicedatauuid": "0xfeaa",
        "servicedata": f"00e7{NAMESPACE}{FIRST + number:012x}0000",
    }
    topic = f"{topics[number % len(topics)]}/BTtoMQTT/AABBCC000001"
    ledger.produced[f"uid:{NAMESPACE}:{FIRST + number:012x}"] = now
    await client.publish(topic, json.dumps(advert), qos=0)


@pytest.mark.timeout(240)
async def test_what_was_produced_is_in_the_database_once_or_in_a_gap(tmp_path: Path) -> None:
    async with Rig(tmp_path / "rig", site=TOWN) as rig:
        await rig.register_children(CHILDREN)
        await rig.start_all()
        await rig.start_town()
        await until(lambda: "orders taken" in rig.log("edge"), within_s=20, what="edge listens")
        ledger, stop = Ledger(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce(rig, ledger, stop), name="producer")
            for victim in VICTIMS:
                await asyncio.sleep(BETWEEN_KILLS_S)
                await rig.kill(victim)
                await asyncio.sleep(DOWN_S)
                await rig.start(victim)
            await asyncio.sleep(2 * BETWEEN_KILLS_S)
            stop.set()
        await settle(rig)
        _assert_nothing_lost(rig, ledger)
        _assert_every_committed_row_arrived(rig)
        await assert_influx_has_what_is_stored(rig)
        assert len(rig.stored_positions()) > 10 * CHILDREN


async def settle(rig: Rig) -> None:
    """Wait until the outbox, the late windows and the sink's rows are all worked off."""

    def quiet() -> bool:
        waiting = rig.rows("SELECT count(*) FROM row WHERE kind != 'sightings'", of=rig.outbox)
        late = rig.rows("SELECT count(*) FROM windows WHERE late AND NOT amended")
        out = rig.rows("SELECT count(*) FROM link_rows WHERE direction = 'out'")
        return waiting == late == out == [(0,)]

    await until(quiet, within_s=60, what="outbox, amendments and sink empty")
    await asyncio.sleep(3)
    await until(quiet, within_s=30, what="still empty")


async def assert_influx_has_what_is_stored(rig: Rig) -> None:
    """The town walks on: what is stored before it is asked is there, and nothing but what is."""
    before = rig.stored_positions()
    written = await rig.influx_positions()
    assert before <= written, sorted(before - written)
    assert written <= rig.stored_positions()


def windows(rig: Rig) -> list[Window]:
    decoder = msgspec.json.Decoder(Window)
    bodies = rig.rows("SELECT body FROM windows")
    return [decoder.decode(zlib.decompress(bytes(body))) for (body,) in bodies]  # type: ignore[call-overload] # a BLOB


def _assert_nothing_lost(rig: Rig, ledger: Ledger) -> None:
    found: Counter[str] = Counter()
    for window in windows(rig):
        for reading in window.readings:
            found[reading.identifier] += reading.packets
    gaps = [(float(str(a)), float(str(b))) for a, b in rig.rows("SELECT since, until FROM gaps")]
    begun = min(at for identifier, at in ledger.produced.items() if found[identifier])
    missing = [
        at
        for identifier, at in ledger.produced.items()
        if at >= begun and not found[identifier] and not any(a <= at <= b for a, b in gaps)
    ]
    twice = [identifier for identifier in ledger.produced if found[identifier] > 1]
    assert not twice
    assert not missing, f"{len(missing)} of {len(ledger.produced)}; gaps {gaps}"
    assert sum(found[identifier] for identifier in ledger.produced) > len(ledger.produced) / 2


def _assert_every_committed_row_arrived(rig: Rig) -> None:
    """The hub's marks of all epochs are the edge's last numbers, and no second is there twice."""
    marks = dict(rig.rows("SELECT lane, sum(mark) FROM marks GROUP BY lane"))
    lasts = rig.rows("SELECT key, value FROM state WHERE key LIKE 'last_%'", of=rig.outbox)
    assert {str(key).removeprefix("last_"): last for key, last in lasts if last} == marks
    twice = rig.rows("SELECT second FROM windows GROUP BY gateway, second HAVING count(*) > 1")
    assert twice == []
