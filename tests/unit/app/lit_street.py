"""An edge with lamps on two buses: the nodes answer as the test says, and time is the test's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from gateway.app.lamp_rows import LampRows
from gateway.app.lighting import Lighting
from gateway.lamps import LampEvent, LampOrder, LampReading, LampType, Outcome, Override
from gateway.lights.bus_words import BusState, Commanded, Failure, NodeCommand, Polled
from gateway.lights.documents import (
    AbsolutePeriod,
    Calendar,
    DynamicControl,
    FixedTimeControl,
    Operation,
    Program,
)
from gateway.lights.orders import LightOrders, Overrides
from gateway.lights.polling import OnBus
from gateway.lights.profiles import load_profiles
from gateway.link.envelope import Kind
from gateway.link.outbox_file import Append
from gateway.model import Lane
from gateway.settings import config_dir
from tests.unit.app.town import HandClock

NOW = 1_800_000_000.0
PROGRAM_LEVEL, FALLBACK_LEVEL, WATCHDOG_S = 60.0, 80.0, 180.0
LED = LampType("led-40", ((0.0, 0.4), (100.0, 40.0)), nominal_voltage_v=200.0, warm_up_s=5.0)
ALWAYS = Program(
    "always",
    active_periods=(AbsolutePeriod("12:00", "12:00"),),
    fixed_time_controls=(FixedTimeControl("00:00", PROGRAM_LEVEL),),
    dynamic_controls=(DynamicControl(Operation.MAX, 90.0, hold_time=30.0),),
)
LINES = {"l-1": "bus-1", "l-2": "bus-1", "l-3": "bus-2"}


def lamp_order(lamp: str, **changes: object) -> LampOrder:
    """A lamp with the generic register map, on the bus of `LINES`."""
    known = {
        "lamp": lamp,
        "bus": LINES.get(lamp, "bus-1"),
        "unit": int(lamp[2:]),
        "profile": "generic",
        "lamp_type": LED.id,
        "place": (30.0 * int(lamp[2:]), 0.0),
        "calendar": "street",
        "fallback_level": FALLBACK_LEVEL,
    }
    return msgspec.convert(known | changes, LampOrder)


def light_orders(*lamps: LampOrder, version: int = 1) -> LightOrders:
    """The three lamps, or those that are given, always at `PROGRAM_LEVEL`."""
    return LightOrders(
        version=version,
        time_zone="Asia/Tokyo",
        lon=140.9,
        lat=37.0,
        lamps=lamps or tuple(lamp_order(lamp) for lamp in LINES),
        types=(LED,),
        programs=(ALWAYS,),
        calendars=(Calendar("street", default_program=ALWAYS.id),),
    )


class StreetClock(HandClock):
    """UTC that may be set, and time that only passes."""

    def __init__(self, now: float) -> None:
        super().__init__(now)
        self.passed_s = 0.0

    def monotonic(self) -> float:
        """What has passed."""
        return self.passed_s


class FakeBus:
    """Nodes that take every command (unless `failing`) before the next step, and are polled when
    the test says so."""

    def __init__(
        self,
        on_polled: Callable[[Polled], None],
        on_commanded: Callable[[Commanded], None],
        utc: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.commands: list[NodeCommand] = []
        self.lamps: tuple[OnBus, ...] = ()
        self.failing: dict[str, Failure] = {}
        self.breaks = False
        self.told = BusState(up=True, problem="", silent_s=0.5, round_s=0.8, backing_off=())
        self.runs = 0
        self.tell_polled = on_polled
        self._tell_commanded = on_commanded
        self._utc = utc
        self._untold: list[Commanded] = []

    async def run(self) -> None:
        self.runs += 1
        if self.breaks:
            raise ZeroDivisionError("a bug of the bus")
        await asyncio.Event().wait()

    def command(self, command: NodeCommand) -> None:
        self.commands.append(command)
        self._untold.append(Commanded(command, self._utc(), self.failing.get(command.lamp)))

    def tell_commanded(self) -> None:
        """The nodes have taken what waits, or not."""
        untold, self._untold = self._untold, []
        for one in untold:
            self._tell_commanded(one)

    def follow(self, lamps: Sequence[OnBus]) -> None:
        self.lamps = tuple(lamps)

    def state(self) -> BusState:
        return self.told


@dataclass
class MemorySpool:
    """Rows that are on the disk."""

    rows: list[Append] = field(default_factory=list)

    async def put(self, row: Append) -> None:
        self.rows.append(row)


class Street:
    """The lighting of an edge, its buses, and what it has told."""

    def __init__(self, *, open_events: Sequence[LampEvent] = (), now: float = NOW) -> None:
        self.clock = StreetClock(now)
        self.spool = MemorySpool()
        self.buses: dict[str, FakeBus] = {}
        self.lighting = Lighting(
            buses=("bus-1", "bus-2"),
            open_bus=self._open_bus,
            profiles=load_profiles(config_dir() / "lamps"),
            clock=self.clock,
            monotonic=self.clock.monotonic,
            rows=LampRows(self.spool, lane=lambda: Lane.LIVE, setting=lambda: self.clock.setting),
            watchdog_s=WATCHDOG_S,
            open_events=open_events,
        )

    def _open_bus(
        self,
        name: str,
        *,
        on_polled: Callable[[Polled], None],
        on_commanded: Callable[[Commanded], None],
    ) -> FakeBus:
        self.buses[name] = FakeBus(on_polled, on_commanded, self.clock.utc)
        return self.buses[name]

    async def passes(self, seconds: float) -> None:
        """Time goes on; then the lamps are decided about, commands reach them, rows the disk."""
        self.clock.now += seconds
        self.clock.passed_s += seconds
        for _ in range(2):
            self.lighting.step()
            for bus in self.buses.values():
                bus.tell_commanded()
        await self.lighting.store_waiting()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It runs by itself."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.lighting.run(), name="lighting")
            yield
            running.cancel()

    def known(self) -> set[str]:
        """The lamps of its buses."""
        return {one.lamp for bus in self.buses.values() for one in bus.lamps}

    def commands(self, lamp: str = "") -> list[NodeCommand]:
        """What the nodes were told."""
        told = [one for bus in self.buses.values() for one in bus.commands]
        return [one for one in told if lamp in ("", one.lamp)]

    def level(self, lamp: str) -> float | None:
        """What the node was told last."""
        told = self.commands(lamp)
        return told[-1].level if told else None

    def poll(self, lamp: str, failure: Failure | None = None, **values: float | bool) -> None:
        """The node answers: it follows and gives what it was told, but for `values`."""
        level = self.level(lamp) or 0.0
        said: dict[str, float | bool | None] = {
            "feedback_level": level,
            "actual_level": level,
            "active_power_w": 0.4 + 0.396 * level,
            "supply_voltage_v": 200.0,
            "power_factor": 0.95,
            "temperature_c": 30.0,
            "motion": False,
            "autonomous": False,
        }
        answer = {} if failure is not None else {**said, **values}
        bus = self.buses[LINES[lamp]]
        bus.tell_polled(Polled(lamp, self.clock.utc(), answer, {}, failure))

    async def say(self, *overrides: Override) -> None:
        """What people say now, from the hub."""
        self.lighting.order(Overrides(overrides))
        await self.passes(0)

    def told(self, kind: Kind) -> list[Append]:
        """The rows of that kind."""
        return [row for row in self.spool.rows if row.kind is kind]

    def outcomes(self) -> list[tuple[str, str, str, str]]:
        """(override, lamp, state, why) of each."""
        told = [
            one
            for row in self.told(Kind.OUTCOMES)
            for one in msgspec.json.decode(row.items, type=list[Outcome])
        ]
        return [(one.override, one.lamp, str(one.state), one.why) for one in told]

    def readings(self) -> list[LampReading]:
        """All that were told."""
        return [
            one
            for row in self.told(Kind.LAMP_READINGS)
            for one in msgspec.json.decode(row.items, type=list[LampReading])
        ]

    def events(self) -> list[LampEvent]:
        """All that were told."""
        return [
            one
            for row in self.told(Kind.LAMP_EVENTS)
            for one in msgspec.json.decode(row.items, type=list[LampEvent])
        ]
