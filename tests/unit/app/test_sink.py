"""The sink's inbox: urgent first, nothing skipped unseen, no word before InfluxDB's own."""

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from gateway.app.sink import BYTES_A_PART, Sink, SinkInbox
from gateway.clock import Clock
from gateway.lamps import LampEvent, LampEventKind, LampReading
from gateway.link.envelope import Envelope, Kind, encode_items
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Gap,
    GatewayHealth,
    Lane,
    Position,
    Presence,
    ReceiverHealth,
    Window,
)
from gateway.outputs.delivery import Accepted, Delivery, Outcome, Unavailable
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings, Settings, SettingsError, SinkSettings

POSITION = Position(
    at=1_767_322_800.0,
    tag="t-1",
    lon=140.95,
    lat=36.95,
    radius68_m=2.0,
    radius95_m=5.0,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(),
)
ALERT = Alert("a-1", AlertKind.SOS, AlertState.RAISED, POSITION.at, POSITION.at, tag="t-1")


class OpenableWriter:
    """Takes nothing until `is_open`; keeps what it took, in order."""

    def __init__(self) -> None:
        self.is_open = True
        self.taken: list[str] = []

    async def write(self, lines: Sequence[str]) -> Outcome:
        """All or nothing."""
        if not self.is_open:
            return Unavailable("unreachable", "open it")
        self.taken += lines
        return Accepted()


class Bench:
    """An inbox on a writer, with a quarantine in a folder."""

    def __init__(self, folder: Path) -> None:
        self.writer = OpenableWriter()
        self.file = folder / "quarantine.jsonl"
        delivery = Delivery(
            self.writer, Quarantine(self.file), clock=Clock(), sleep=lambda _: asyncio.sleep(0)
        )
        self.inbox = SinkInbox(delivery, site="iwaki")

    def quarantined(self) -> list[tuple[str, str]]:
        """Each reason and what was set aside for it."""
        if not self.file.exists():
            return []
        records = [json.loads(row) for row in self.file.read_text().splitlines()]
        return [(record["reason"], record["line"]) for record in records]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An open writer and an empty quarantine."""
    return Bench(tmp_path)


def _row(kind: str, items: bytes, *, lane: Lane = Lane.LIVE, seq: int = 1) -> Envelope:
    return Envelope(
        sender="hub",
        epoch="e1",
        lane=lane,
        seq=seq,
        first=1,
        sent=0.0,
        kind=kind,
        items=msgspec.Raw(items),
    )


def _positions(*tags: str) -> bytes:
    return encode_items([structs.replace(POSITION, tag=tag) for tag in tags])


async def test_urgent_rows_are_written_before_what_came_first(bench: Bench) -> None:
    rows = [
        _row(Kind.POSITIONS, _positions("t-1"), lane=Lane.BACKLOG),
        _row(Kind.POSITIONS, _positions("t-2"), lane=Lane.LIVE),
        _row(Kind.ALERTS, encode_items([ALERT]), lane=Lane.URGENT),
    ]
    await bench.inbox.commit(rows, {})
    assert [line.split(",")[0] for line in bench.writer.taken] == ["alert", "position", "position"]
    assert bench.inbox.counts == {"alerts": 1, "positions": 2}


async def test_it_has_no_marks_of_its_own(bench: Bench) -> None:
    assert await bench.inbox.marks() is None


async def test_a_commit_lasts_until_influxdb_has_every_line(bench: Bench) -> None:
    bench.writer.is_open = False
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        commit = tasks.create_task(
            bench.inbox.commit([_row(Kind.POSITIONS, _positions("t-1", "t-2"))], {}), name="commit"
        )
        _, unfinished = await asyncio.wait([commit], timeout=0.05)
        assert unfinished == {commit}
        assert bench.inbox.counts == {}
        bench.writer.is_open = True
    assert len(bench.writer.taken) == 2


async def test_a_gap_of_the_hub_writes_nothing(bench: Bench) -> None:
    gap = Gap(since=1.0, until=2.0, reason="full", from_seq=1, to_seq=1)
    await bench.inbox.commit([_row(Kind.GAP, encode_items([gap]))], {})
    assert bench.writer.taken == []
    assert bench.quarantined() == []


async def test_what_cannot_be_a_line_is_set_aside_and_the_rest_goes_on(bench: Bench) -> None:
    window = Window(second=1, alive=("rx",), readings=())
    rows = [
        _row("weather", b'[{"lamp":"l-1"}]'),
        _row(Kind.POSITIONS, b'[{"at":"noon"}]'),
        _row(Kind.SIGHTINGS, encode_items([window])),
        _row(Kind.POSITIONS, _positions("t-1\n", "t-2")),
    ]
    await bench.inbox.commit(rows, {})
    assert [reason for reason, _ in bench.quarantined()] == [
        "unknown_kind",
        "malformed_items",
        "not_for_the_sink",
        "unwritable_text",
    ]
    assert bench.quarantined()[0][1] == '[{"lamp":"l-1"}]'
    assert json.loads(bench.quarantined()[3][1])[0]["tag"] == "t-1\n"
    assert [line.split(" ")[0] for line in bench.writer.taken] == ["position,site=iwaki,tag=t-2"]


async def test_what_lamps_said_and_their_faults_are_written(bench: Bench) -> None:
    reading = LampReading(at=POSITION.at, lamp="l-1", actual_level=50.0)
    event = LampEvent("l-1", LampEventKind.LAMP_FAILURE, POSITION.at, {"active_power_w": 0.5})
    rows = [
        _row(Kind.LAMP_READINGS, encode_items([reading])),
        _row(Kind.LAMP_EVENTS, encode_items([event]), lane=Lane.URGENT),
    ]
    await bench.inbox.commit(rows, {})
    assert [line.split(",")[0] for line in bench.writer.taken] == ["lamp_event", "lamp"]
    assert bench.inbox.counts == {"lamp_events": 1, "lamp_readings": 1}


async def test_how_gateways_and_receivers_stand_is_written(bench: Bench) -> None:
    gateway = GatewayHealth(POSITION.at, "gw-01", online=True, said_s=1.0)
    receiver = ReceiverHealth(POSITION.at, "gw-01", "r-1", "scanning")
    rows = [
        _row(Kind.GATEWAYS, encode_items([gateway])),
        _row(Kind.RECEIVERS, encode_items([receiver])),
    ]
    await bench.inbox.commit(rows, {})
    assert [line.split(",")[0] for line in bench.writer.taken] == ["gateway", "receiver"]
    assert bench.inbox.counts == {"gateways": 1, "receivers": 1}


async def test_what_is_too_much_for_one_request_goes_in_order_in_several(bench: Bench) -> None:
    tags = [[f"t-{row}-{n}" for n in range(2_500)] for row in range(5)]
    rows = [
        _row(Kind.POSITIONS, _positions(*some), lane=Lane.URGENT if number == 3 else Lane.LIVE)
        for number, some in enumerate(tags)
    ]
    assert sum(len(bytes(row.items)) for row in rows) > 2 * BYTES_A_PART
    await bench.inbox.commit(rows, {})
    assert [line.split(" ")[0] for line in bench.writer.taken] == [
        f"position,site=iwaki,tag={tag}" for row in (3, 0, 1, 2, 4) for tag in tags[row]
    ]
    assert bench.inbox.counts == {"positions": 12_500}


async def test_a_number_that_json_cannot_carry_does_not_stop_the_lane(bench: Bench) -> None:
    items = encode_items([structs.replace(POSITION, lat=math.nan)])
    await bench.inbox.commit([_row(Kind.POSITIONS, items)], {})
    assert [reason for reason, _ in bench.quarantined()] == ["malformed_items"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"one\ntwo", "tokén".encode()])
async def test_a_secret_that_cannot_be_used_is_told_by_key_and_file(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    influx = InfluxSettings(version=2, secret_file=tmp_path / "token")
    settings = Settings(state_dir=tmp_path, sink=SinkSettings(influx=influx))
    with pytest.raises(SettingsError, match=r"sink\.influx\.secret_file: .*token") as raised:
        await Sink(settings, Clock()).run(asyncio.Event(), lambda: None)
    assert "tokén" not in str(raised.value)
