"""What 5,000 lamps at a reading a minute cost the hub, of one core.

Fifty gateways with a hundred lamps each, of which one or two are due in any second: what they send
in a second comes in as one batch, through the link's receiver and the hub's intake into a real
database file with synchronous=FULL; states go to a publisher that takes all, and the rows for the
sink are read and deleted as by one that keeps up. All threads of the process are counted. Every
lamp changes its level once in the time that is measured.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.app.hub_lights import HubLights
from gateway.app.intake import Intake
from gateway.app.registry import Registry
from gateway.clock import Clock
from gateway.lamps import Authority, LampReading, LampType
from gateway.link.envelope import Envelope, Kind, encode, encode_items
from gateway.link.flow import Row
from gateway.link.receiver import Receiver
from gateway.link.topics import LaneAddress
from gateway.model import Lane
from gateway.settings import Settings
from gateway.site import Site, load_site
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from gateway.store.source import OutgoingRows
from tests.bench.figure import Figure
from tests.unit.app.tag_pieces import no_tags
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import feature, point, write_site

GATEWAYS = 50
LAMPS_EACH = 100
MINUTE_S = 60
MINUTES = 3
LIMIT_PERCENT = 10.0
LED = LampType("led-40", ((0.0, 0.4), (50.0, 20.5), (100.0, 40.0)))
OUT = Queue("out", "sink")
BEGIN = 1_800_000_000.0


@dataclass(frozen=True)
class Second(Clock):
    """Always the time of the last second that is sent."""

    def utc(self) -> float:
        """That."""
        return BEGIN + MINUTES * MINUTE_S


class Taker:
    """A broker that takes everything; `states` counts lamps' states, `mark` is the last receipt."""

    def __init__(self) -> None:
        self.states = 0
        self.receipts: asyncio.Queue[str] = asyncio.Queue()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Taken."""
        if retain:
            self.states += 1
        else:
            self.receipts.put_nowait(topic)
        return True


def measure() -> Sequence[Figure]:
    """Three minutes' readings, as fast as they go."""
    folder = Path(tempfile.mkdtemp())
    try:
        return asyncio.run(_measure(folder))
    finally:
        shutil.rmtree(folder)


async def _measure(folder: Path) -> Sequence[Figure]:
    site = _site(folder)
    seconds = [_second(second) for second in range(MINUTES * MINUTE_S)]
    readings = GATEWAYS * LAMPS_EACH * MINUTES
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(folder / "hub.sqlite"))
        rows = await stack.enter_async_context(OutgoingRows(database, OUT, Row))
        taker = Taker()
        lights = HubLights(
            Settings(),
            site,
            {LED.id: LED},
            database=database,
            clock=Second(),
            publisher=taker,
            out=OUT,
        )
        intake = _intake(database, lights)
        receiver = Receiver(
            inbox=intake, publisher=taker, receipt_topic=str, on_event=lambda _: None
        )
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work) for work in (receiver.run(), lights.telling.run())]
            begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
            for payloads in seconds:
                await _pass_on(payloads, receiver, taker, rows)
            spent_s = time.perf_counter() - begun_s
            spent_cpu_s = time.process_time() - begun_cpu_s
            for task in running:
                task.cancel()
    if intake.counts["lamp_readings"] != readings or "lamp_readings_late" in intake.counts:
        raise RuntimeError(f"not every reading was taken as it should be: {intake.counts}")
    load = 100.0 * spent_cpu_s / len(seconds)
    name = f"lamps: {GATEWAYS * LAMPS_EACH:,} at a reading a minute, of a core"
    return [
        Figure(name, load, "%", "limit", LIMIT_PERCENT),
        Figure("lamps: readings through the hub", readings / spent_s, "1/s"),
        Figure("lamps: states told to integrators", float(taker.states), "in all"),
    ]


async def _pass_on(
    payloads: Sequence[tuple[LaneAddress, bytes]],
    receiver: Receiver,
    taker: Taker,
    rows: OutgoingRows[Row],
) -> None:
    for address, payload in payloads:
        receiver.offer(address, payload)
    for _ in payloads:  # one receipt for each gateway's row
        await taker.receipts.get()
    last = 0
    for row in await rows.read(Lane.LIVE, after=0, limit=100):
        last = row.seq
    await rows.delete(Lane.LIVE, last)


def _intake(database: Database, lights: HubLights) -> Intake:
    registry, clock = Registry(database), Second()
    return Intake(
        database,
        clock,
        registry,
        is_closed=lambda _: False,
        announce=lambda _: None,
        out=OUT,
        lamps=lights.intake,
        tags=no_tags(database, clock, registry),
        joined=lights.sos.brighten,
        show=lights.telling.show,
    )


def _site(folder: Path) -> Site:
    lamps = [
        feature(
            "lamp",
            point((2.0 * unit, 20.0 * gateway)),
            id=f"l-{gateway}-{unit}",
            gateway=f"gw-{gateway}",
            bus="bus-1",
            unit=unit + 1,
        )
        for gateway in range(GATEWAYS)
        for unit in range(LAMPS_EACH)
    ]
    return load_site(write_site(folder, (*TOWN, *lamps), name="many lamps"))


def _second(second: int) -> list[tuple[LaneAddress, bytes]]:
    """What the gateways send in a second: a row each, with those of its lamps that are due."""
    minute, phase = divmod(second, MINUTE_S)
    payloads = []
    for gateway in range(GATEWAYS):
        due = [unit for unit in range(LAMPS_EACH) if unit % MINUTE_S == phase]
        said = [_reading(gateway, unit, minute, BEGIN + second) for unit in due]
        envelope = Envelope(
            sender=f"gw-{gateway}",
            epoch="e1",
            lane=Lane.LIVE,
            seq=second + 1,
            first=1,
            sent=Second().utc(),
            kind=Kind.LAMP_READINGS,
            items=msgspec.Raw(encode_items(said)),
        )
        payloads.append((LaneAddress(owner=f"gw-{gateway}", lane=Lane.LIVE), encode(envelope)))
    return payloads


def _reading(gateway: int, unit: int, minute: int, at: float) -> LampReading:
    level = 100.0 if minute < MINUTES // 2 + 1 else 50.0
    power_w = 0.4 * level + (unit % 7) / 10
    return LampReading(
        at=at,
        lamp=f"l-{gateway}-{unit}",
        authority=Authority.PROGRAM,
        reason="evening: until 22:00 100 %",
        target_level=level,
        feedback_level=level,
        actual_level=level,
        supply_voltage_v=201.4,
        frequency_hz=50.01,
        power_factor=0.93,
        active_power_w=power_w,
        apparent_power_va=power_w / 0.93,
        active_energy_kwh=812.4 + power_w * minute / 60_000,
        lamp_voltage_v=98.2,
        lamp_current_a=0.41,
        operating_hours_h=4_711.5,
        switch_on_counter=802,
        supply_loss_count=3,
        temperature_c=31.5,
        illuminance_lx=2.5,
        tilt_deg=0.4,
        motion=False,
        door_open=False,
        breaker_tripped=False,
        leakage=False,
        autonomous=False,
        meter_class=1.0,
    )
