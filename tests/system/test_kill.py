"""kill -9 of each process while tags walk: nothing is lost without a named gap, nothing is twice.

The producer's ledger: every advert has an identifier of its own, so each can be looked for. In the
end it stands in exactly one window of the hub's database, or was produced inside a gap.
"""

import asyncio
import json
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from gateway.model import Window
from tests.system.rig import Rig, until

RECEIVERS = 6
SPACING_DEG = 0.00027  # about 24 m of longitude
PRODUCE_EVERY_S = 0.05
BETWEEN_KILLS_S = 5.0
DOWN_S = 2.5
VICTIMS = ("edge", "hub", "sink", "mosquitto", "influxd")
TAG = "ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825:1:1"


@dataclass(slots=True)
class Ledger:
    """What was produced: identifier → time at which the broker had it (or was not there)."""

    produced: dict[str, float] = field(default_factory=dict)
    unsent: int = 0


def street() -> dict[str, object]:
    """A street of RECEIVERS poles with a path and a zone at its end."""
    lat, east = 36.99, 140.93

    def feature(kind: str, geometry: str, coordinates: object, **properties: object) -> object:
        return {
            "type": "Feature",
            "properties": {"kind": kind, **properties},
            "geometry": {"type": geometry, "coordinates": coordinates},
        }

    length = SPACING_DEG * (RECEIVERS - 1)
    receivers = [
        feature(
            "receiver",
            "Point",
            [east + number * SPACING_DEG, lat],
            id=f"r-{number}",
            height_m=4.5,
            gateway="gw-01",
            format="openmqttgateway",
            topic=f"home/OMG_{number}",
        )
        for number in range(RECEIVERS)
    ]
    ring = [
        [east - 0.0003, lat - 0.0002],
        [east + 0.0003, lat - 0.0002],
        [east + 0.0003, lat + 0.0002],
        [east - 0.0003, lat + 0.0002],
        [east - 0.0003, lat - 0.0002],
    ]
    return {
        "type": "FeatureCollection",
        "properties": {"name": "street"},
        "features": [
            *receivers,
            feature("path", "LineString", [[east, lat], [east + length, lat]], use="pavement"),
            feature("zone", "Polygon", [ring], id="corner", use="corner", names={"en": "Corner"}),
        ],
    }


async def produce(rig: Rig, ledger: Ledger, stop: asyncio.Event) -> None:
    """Publish adverts of one walking tag, and one with an identifier of its own each time."""
    number = 0
    while not stop.is_set():
        try:
            async with aiomqtt.Client("127.0.0.1", rig.mqtt_port) as client:
                while not stop.is_set():
                    number += 1
                    await _publish_one(client, ledger, number)
                    await asyncio.sleep(PRODUCE_EVERY_S)
        except aiomqtt.MqttError:
            ledger.unsent += 1
            await asyncio.sleep(0.1)


async def _publish_one(client: aiomqtt.Client, ledger: Ledger, number: int) -> None:
    receiver = number % RECEIVERS
    walked = (number * PRODUCE_EVERY_S / 60) % 1 * (RECEIVERS - 1)
    unique = f"uid:00112233445566778899:{number:012x}"
    adverts = (
        {"uuid": TAG.split(":")[1].replace("-", ""), "mfid": "4c00", "major": 1, "minor": 1},
        {"servicedatauuid": "0xfeaa", "servicedata": f"00e700112233445566778899{number:012x}0000"},
    )
    ledger.produced[unique] = time.time()
    for which, advert in enumerate(adverts):
        message = {
            "id": f"AA:BB:CC:00:00:{which:02X}",
            "rssi": round(-55 - 8 * abs(receiver - walked)),
            **advert,
        }
        topic = f"home/OMG_{receiver}/BTtoMQTT/AABBCC0000{which:02X}"
        await client.publish(topic, json.dumps(message), qos=0)


@pytest.mark.timeout(240)
async def test_what_was_produced_is_in_the_database_once_or_in_a_gap(tmp_path: Path) -> None:
    site = tmp_path / "site.geojson"
    site.write_text(json.dumps(street()))
    async with Rig(tmp_path / "rig", site=site) as rig:
        password = tmp_path / "password"
        password.write_text("a-long-password-of-a-test")
        guardian = ("--audience", "guardian", "--password-file", str(password))
        await rig.machimori("user", "add", "parent", *guardian)
        child = ("Child", "--kind", "child", "--identifier", TAG)
        await rig.machimori("tag", "add", *child, "--guardian", "parent", "--consent-by", "parent")
        await rig.start_all()
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
        await _settle(rig)
        _assert_nothing_lost(rig, ledger)
        _assert_every_committed_row_arrived(rig)
        assert await rig.influx_positions() == rig.stored_positions()
        assert len(rig.stored_positions()) > 20


async def _settle(rig: Rig) -> None:
    """Wait until the outbox, the late windows and the sink's rows are all worked off."""

    def quiet() -> bool:
        waiting = rig.rows("SELECT count(*) FROM row WHERE kind != 'sightings'", of=rig.outbox)
        late = rig.rows("SELECT count(*) FROM windows WHERE late AND NOT amended")
        out = rig.rows("SELECT count(*) FROM link_rows WHERE direction = 'out'")
        return waiting == late == out == [(0,)]

    await until(quiet, within_s=60, what="outbox, amendments and sink empty")
    await asyncio.sleep(3)
    await until(quiet, within_s=30, what="still empty")


def _windows(rig: Rig) -> list[Window]:
    decoder = msgspec.json.Decoder(Window)
    bodies = rig.rows("SELECT body FROM windows")
    return [decoder.decode(zlib.decompress(bytes(body))) for (body,) in bodies]  # type: ignore[call-overload] # a BLOB


def _assert_nothing_lost(rig: Rig, ledger: Ledger) -> None:
    found: Counter[str] = Counter()
    for window in _windows(rig):
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
    """The hub's marks are the edge's last seqs, and no second of it is there twice."""
    marks = dict(rig.rows("SELECT lane, mark FROM marks"))
    lasts = rig.rows("SELECT key, value FROM state WHERE key LIKE 'last_%'", of=rig.outbox)
    assert {str(key).removeprefix("last_"): last for key, last in lasts if last} == marks
    twice = rig.rows("SELECT second FROM windows GROUP BY gateway, second HAVING count(*) > 1")
    assert twice == []
