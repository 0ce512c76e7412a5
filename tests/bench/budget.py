"""What an edge with 300 carriers writes to its card a day, and what it sends.

The edge's own code takes some seconds of every half hour of a simulated day; each row is receipted
at once, as it is while the hub is there. What is written is what the kernel counts of the process:
pages of 4 kB on their way to the disk; the file system's own journal comes on top. Lamps' rows and
the status are sent too. `python -m tests.bench.budget DAY OUTBOX` is one such day.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from gateway.clock import Clock
from gateway.lamps import Authority, LampReading
from gateway.link.envelope import Kind, Receipt, Status, decode_envelope, encode, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.link.sender import Sender
from gateway.link.spool import Spool
from gateway.link.topics import Topics
from gateway.model import Lane, Rejected
from tests.bench.budget_day import BLOCK_S, DAY_S, MIDNIGHT, Day, Listening, record
from tests.bench.figure import Figure
from tests.needs import ROOT

CARD_GB, SENT_MB = 1.5, 300.0
TOWNS = (("walls of 35 dB", 40, 35.0), ("walls of 10 dB", 40, 10.0))
HEARD_S = 60  # of each block
WARM_UP_S = 2_500  # the first log of changes has been filled and is used again
STATUS_EVERY_S, LAMPS_EVERY_S, LAMPS = 10, 60, 90
TLS_BYTES, TCP_BYTES = 22, 52  # of each message; an acknowledgement by itself is one TCP_BYTES
TOPICS = Topics("town")


class Spent(msgspec.Struct, frozen=True):
    """In `seconds` of the day: what was heard of tags, stored, written and sent."""

    seconds: int
    rows: int
    sightings: int
    written_bytes: int
    mqtt_bytes: int
    messages: int


class Hub:
    """Takes each row and receipts it; counts what an MQTT client would have sent."""

    def __init__(self) -> None:
        self.mqtt_bytes = self.messages = self.rows = 0
        self.came = asyncio.Event()
        self.sender: Sender

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Count it as MQTT 3.1.1 with QoS 1 sends it; a row is receipted."""
        body = 2 + len(topic.encode()) + 2 + len(payload)
        self.mqtt_bytes += 1 + _length_of(body) + body
        self.messages += 1
        envelope = decode_envelope(payload)
        if not isinstance(envelope, Rejected):
            self.rows += 1
            receipt = Receipt(epoch=envelope.epoch, lane=envelope.lane, mark=envelope.seq)
            self.sender.receipt(encode(receipt))
            self.came.set()
        return True

    async def has(self, rows: int) -> None:
        """Wait until so many rows came."""
        while self.rows < rows:
            self.came.clear()
            await self.came.wait()


def measure() -> Sequence[Figure]:
    """Two towns: one whose houses keep most of a tag's power in, one whose houses do not."""
    figures: list[Figure] = []
    for name, receivers, wall_db in TOWNS:
        # On the disk of the project: a temporary folder is often in memory.
        with tempfile.TemporaryDirectory(dir=ROOT) as folder:
            day = Path(folder) / "day"
            record(day, receivers=receivers, wall_db=wall_db)
            ran = subprocess.run(
                (sys.executable, "-m", "tests.bench.budget", day, Path(folder) / "outbox"),
                check=True,
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
        figures += _figures(name, msgspec.json.decode(ran.stdout, type=Spent))
    return figures


async def spend(file: Path, path: Path) -> Spent:
    """Some of every block of the day in `file`, with the outbox at `path`."""
    hub = Hub()
    async with Outbox(path, max_bytes=2_000_000_000) as outbox, asyncio.TaskGroup() as tasks:
        hub.sender = Sender(
            source=outbox,
            publisher=hub,
            name="gw-01",
            topic=partial(TOPICS.up, "gw-01"),
            clock=Clock(),
        )
        sending = tasks.create_task(hub.sender.run(), name="sender")
        hub.sender.connection(up=True)
        hub.sender.receiver_status(encode(Status(online=True, unpacks=True)))
        edge = _Edge(Day(file), outbox, hub)
        for second in range(-WARM_UP_S, 0):
            await edge.live(second)
        before = edge.spent(0)
        seconds = [block + k for block in range(0, DAY_S, BLOCK_S) for k in range(HEARD_S)]
        for second in seconds:
            await edge.live(second)
        after = edge.spent(len(seconds))
        sending.cancel()
    differences = (getattr(after, name) - getattr(before, name) for name in Spent.__struct_fields__)
    return Spent(*differences)


class _Edge:
    """Tags, lamps and status."""

    def __init__(self, day: Day, outbox: Outbox, hub: Hub) -> None:
        self._hub = hub
        self._spool = Spool(outbox)
        self._tags = Listening(day, self._spool, lane=hub.sender.lane)
        self._lamp_rows = 0

    async def live(self, second: int) -> None:
        """One second of the day, and its rows receipted."""
        await self._tags.hear(second)
        at = MIDNIGHT + second + 1.0
        if second % LAMPS_EVERY_S == 0:
            readings = [_reading(f"lamp-{number:03}", at) for number in range(LAMPS)]
            row = Append(Lane.LIVE, Kind.LAMP_READINGS, encode_items(readings), at, at)
            await self._spool.put(row)
            self._lamp_rows += 1
        await self._hub.has(self._rows())
        if second % STATUS_EVERY_S == 0:
            await self._hub.publish(TOPICS.gateway_status("gw-01"), encode(self._status(at)))

    def spent(self, seconds: int) -> Spent:
        """So far."""
        written = next(
            int(line.split()[1])
            for line in Path("/proc/self/io").read_text().splitlines()
            if line.startswith("write_bytes:")
        )
        return Spent(
            seconds=seconds,
            rows=self._rows(),
            sightings=self._tags.hearing.counts["sightings"],
            written_bytes=written,
            mqtt_bytes=self._hub.mqtt_bytes,
            messages=self._hub.messages,
        )

    def _rows(self) -> int:
        counts = self._tags.hearing.counts
        rows = (count for name, count in counts.items() if name.startswith("rows_"))
        return self._lamp_rows + sum(rows)

    def _status(self, at: float) -> Status:
        hearing = self._tags.hearing
        return Status(
            online=True,
            instance="0123456789abcdef",
            version="0.1.0",
            at=at,
            silent_s=hearing.silent_s(),
            adverts_per_s=hearing.adverts_per_s(),
            counts=dict(hearing.counts),
        )


def _reading(lamp: str, at: float) -> LampReading:
    spread = hash((lamp, at)) % 100 / 100
    return LampReading(
        at=at - spread,
        lamp=lamp,
        authority=Authority.PROGRAM,
        target_level=50.0,
        feedback_level=50.0,
        actual_level=50.0,
        supply_voltage_v=round(200 + 4 * spread, 1),
        frequency_hz=50.0,
        power_factor=0.95,
        active_power_w=round(20 + spread, 1),
        active_energy_kwh=round(100 + at % DAY_S / 3_000, 2),
        operating_hours_h=round(at % DAY_S / 3_600, 1),
        switch_on_counter=12,
        temperature_c=round(30 + spread, 1),
    )


def _length_of(remaining: int) -> int:
    """Bytes of MQTT's remaining length."""
    return 1 if remaining < 128 else 2 if remaining < 16_384 else 3


def _figures(name: str, spent: Spent) -> Sequence[Figure]:
    days = spent.seconds / DAY_S
    on_the_wire = spent.messages * (TLS_BYTES + 3 * TCP_BYTES)  # two acknowledgements come back
    sent_mb = spent.mqtt_bytes / days / 1e6
    all_mb = sent_mb + on_the_wire / days / 1e6
    return [
        Figure(f"day, {name}: sightings", spent.sightings / spent.seconds, "1/s"),
        Figure(f"day, {name}: rows", spent.rows / days, "rows", "seconds", DAY_S),
        Figure(
            f"day, {name}: written to the card",
            spent.written_bytes / days / 1e9,
            *("GB", "budget", CARD_GB),
        ),
        Figure(f"day, {name}: sent, MQTT", sent_mb, "MB", "budget", SENT_MB),
        Figure(f"day, {name}: sent, with TLS and TCP", all_mb, "MB", "budget", SENT_MB),
    ]


def main() -> None:
    """One day, told as JSON."""
    given = argparse.ArgumentParser()
    given.add_argument("day", type=Path)
    given.add_argument("outbox", type=Path)
    told = given.parse_args()
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(spend(told.day, told.outbox))))


if __name__ == "__main__":
    main()
