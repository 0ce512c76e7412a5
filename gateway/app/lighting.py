"""The lamps of an edge: decided each second, told to their nodes, and watched.

    hub's orders ─► Control ─► Following ─► Bus ─► nodes
                     ▲ sensed      ▲ polled  │
                     └─────────────┴─────────┴─► FaultWatch ─► readings, events, outcomes ─► Spool

It needs no hub: the last orders are on the disk. No task of it is needed by the capture of tags.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from zoneinfo import ZoneInfoNotFoundError

import structlog

from gateway.app.edge_lamp import EdgeLamp
from gateway.app.lamp_lines import LampBus, LampLines
from gateway.app.lamp_rows import LampRows
from gateway.app.supervision import keep_going
from gateway.clock import EARLIEST_TRUE_TIME, Clock
from gateway.lamps import LampEvent, LampReading
from gateway.lights.acknowledgements import DEADLINE_S, Acknowledgements
from gateway.lights.bus_words import Commanded, Failure, Polled
from gateway.lights.control import Control
from gateway.lights.fault_segment import Segment
from gateway.lights.orders import LightOrders, Overrides
from gateway.lights.profiles import Profile
from gateway.lights.programs import Programs

READINGS_EVERY_S = 60.0
TICK_S = 1.0
HASTY_TICK_S = 0.2  # while a person waits
JUMP_S = 5.0  # a clock that is set by more than this: what was seen before tells nothing

_log = structlog.get_logger()


class OpenBus(Protocol):
    """Makes the bus of that name."""

    def __call__(
        self,
        name: str,
        *,
        on_polled: Callable[[Polled], None],
        on_commanded: Callable[[Commanded], None],
    ) -> LampBus: ...


class Lighting:
    """`order` takes what the hub says, `run` serves until cancelled. `counts` is for the status.

    `open_events` are the faults that were open when the last process ended.
    """

    def __init__(
        self,
        *,
        buses: Sequence[str],
        open_bus: OpenBus,
        profiles: Mapping[str, Profile],
        clock: Clock,
        monotonic: Callable[[], float],
        rows: LampRows,
        watchdog_s: float,
        open_events: Sequence[LampEvent] = (),
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._rows = rows
        self._watchdog_s = watchdog_s
        self._counts: Counter[str] = Counter()
        self._programs: Programs | None = None
        self._control: Control | None = None
        self._acknowledgements = Acknowledgements()
        self._orders: LightOrders | None = None
        self._overrides: tuple[Overrides, bool] | None = None
        self._woken = asyncio.Event()
        self._hasty_until = float("-inf")
        self._readings_at = float("-inf")
        self._offset: float | None = None
        opened = {
            name: open_bus(name, on_polled=self._on_polled, on_commanded=self._on_commanded)
            for name in buses
        }
        self._lines = LampLines(opened, profiles, open_events=open_events)

    def order(self, order: LightOrders | Overrides, *, stored: bool = False) -> None:
        """Take what the hub says, soon. `stored`: it is from the disk."""
        if isinstance(order, LightOrders):
            self._orders = order
        else:
            self._overrides = order, stored
        self._woken.set()

    async def run(self) -> None:
        """Drive the lamps until cancelled; a bus that fails leaves the others alone."""
        async with asyncio.TaskGroup() as tasks:
            # First, and with the buses: a node that is polled, and told nothing any more, would
            # never fall back to its own program.
            tasks.create_task(self._decide(), name="decisions")
            tasks.create_task(self._rows.store(), name="lamp rows")
            for name, bus in self._lines.buses.items():
                going = keep_going(f"bus_{name}", bus.run, self._counts)
                tasks.create_task(going, name=f"bus {name}")

    async def store_waiting(self) -> None:
        """Store the rows that wait now."""
        await self._rows.store_waiting()

    @property
    def counts(self) -> Counter[str]:
        """Of the lamps, and of each bus under its name."""
        counts = self._counts + self._rows.counts
        for name, bus in self._lines.buses.items():
            counts.update({f"{name}_{what}": count for what, count in bus.counts.items()})
        return counts

    def silent_s(self) -> dict[str, float]:
        """Seconds since each bus last answered, or since the start where it never did."""
        so_far = self._monotonic() - self._began_at
        states = {name: bus.state() for name, bus in self._lines.buses.items()}
        return {
            name: so_far if state.silent_s is None else state.silent_s
            for name, state in states.items()
        }

    def problems(self) -> dict[str, str]:
        """Why each bus that is down is down, and what to do."""
        states = {name: bus.state() for name, bus in self._lines.buses.items()}
        return {name: state.problem for name, state in states.items() if state.problem}

    # --- deciding -------------------------------------------------------------------------------

    def step(self) -> None:
        """Take what was ordered, decide about every lamp, and say what is new."""
        self._take_orders()
        if self._control is not None:
            self._command(self._control)
            self._judge(self._control)
            self._tell_readings()

    async def _decide(self) -> None:
        while True:
            self._woken.clear()
            self.step()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s()):
                    await self._woken.wait()

    def _wait_s(self) -> float:
        """To the next whole second; shorter while a person waits for an answer."""
        if self._monotonic() < self._hasty_until:
            return HASTY_TICK_S
        return TICK_S - self._clock.utc() % TICK_S

    def _take_orders(self) -> None:
        orders, self._orders = self._orders, None
        if orders is not None:
            try:
                self._follow(orders)
            except ZoneInfoNotFoundError as error:
                _log.error(
                    "light orders cannot be used and the last ones hold: "
                    "bring this gateway's package tzdata up to date",
                    version=orders.version,
                    reason=str(error),
                )
        if self._overrides is not None and self._control is not None:
            (overrides, stored), self._overrides = self._overrides, None
            now = self._monotonic()
            self._control.overrides(overrides, self._clock.utc(), stored=stored)
            self._acknowledgements.told(overrides, now, stored=stored)
            self._hasty_until = now + DEADLINE_S + TICK_S

    def _command(self, control: Control) -> None:
        """Decide about every lamp, and tell those that must be told something."""
        at, now, synced = self._clock.utc(), self._monotonic(), self._clock.synced()
        self._heed_jump(at)
        for name, lamp in self._lines.lamps.items():
            lamp.decide(control.decide(name, at, synced=synced))
            if not lamp.following.due(now):
                continue
            command = lamp.command(now, watchdog_s=self._watchdog_s)
            if command is not None:
                lamp.following.sent(now)
                self._lines.command(command)

    def _heed_jump(self, at: float) -> None:
        offset = at - self._clock.monotonic()
        if self._offset is not None and abs(offset - self._offset) > JUMP_S * self._clock.rate:
            by_s = round(offset - self._offset)
            _log.warning("the clock was set; faults are looked for anew", by_s=by_s)
            for lamp in self._lines.lamps.values():
                lamp.watch_anew()
                lamp.told = lamp.reading  # its time is of before; the next answer has the new one
        self._offset = offset

    # --- what the buses say ---------------------------------------------------------------------

    def _on_polled(self, polled: Polled) -> None:
        lamp = self._lines.lamps.get(polled.lamp)
        if lamp is None:
            return  # it left the orders while it was asked
        if polled.failure is None:
            self._answered(lamp, polled, self._lines.segment(lamp))
        elif polled.failure is not Failure.EXCEPTION:  # then the node answered, and is not missed
            lamp.following.missed(polled.failure)
            self._missed(lamp, polled.failure, polled.at)
        self._hurry()

    def _missed(self, lamp: EdgeLamp, failure: Failure, at: float) -> None:
        """A poll, or a command: one that fails makes polls seldom, so both count."""
        segment = self._lines.segment(lamp)
        if failure is Failure.SILENCE:
            segment.missed(lamp.order.lamp)
        if self._clock.synced():
            self._tell_events(lamp.watch.missed(at, segment_powered=segment.powered))

    def _answered(self, lamp: EdgeLamp, polled: Polled, segment: Segment) -> None:
        before = lamp.reading
        reading = lamp.answered(polled)
        segment.answered(polled.lamp, None if reading is None else reading.supply_voltage_v)
        if reading is None or self._programs is None or not self._clock.synced():
            return
        motion, illuminance = polled.values.get("motion"), polled.values.get("illuminance_lx")
        self._programs.sensed(
            polled.lamp,
            polled.at,
            motion=None if motion is None else bool(motion),
            illuminance_lx=illuminance,
        )
        if motion and not (before is not None and before.motion):
            self._woken.set()
        self._tell_events(lamp.watch.update(reading))

    def _on_commanded(self, commanded: Commanded) -> None:
        lamp = self._lines.lamps.get(commanded.command.lamp)
        if lamp is None:
            return
        lamp.following.commanded(
            commanded.command.level,
            commanded.failure,
            self._monotonic(),
            settings=commanded.command.fallback_level is not None,
        )
        if commanded.failure is not None:
            self._counts["commands_failed"] += 1
            if commanded.failure is not Failure.EXCEPTION:
                self._missed(lamp, commanded.failure, commanded.at)
        self._hurry()

    def _hurry(self) -> None:
        """A person waits: see at once what this answer means for them."""
        if self._monotonic() < self._hasty_until and self._acknowledgements.waiting:
            self._woken.set()

    # --- what the hub is told -------------------------------------------------------------------

    def _judge(self, control: Control) -> None:
        at = self._clock.utc()
        outcomes = self._acknowledgements.judge(
            control,
            {name: lamp.following for name, lamp in self._lines.lamps.items()},
            at=at,
            now=self._monotonic(),
            synced=self._clock.synced(),
        )
        if outcomes:
            self._rows.outcomes(outcomes)

    def _tell_readings(self) -> None:
        """Each lamp's last reading once a minute, all in one row; at once what is news."""
        now = self._monotonic()
        all_due = now - self._readings_at >= READINGS_EVERY_S
        if all_due:
            self._readings_at = now
        if not self._clock.synced():
            return
        readings: list[LampReading] = []
        for lamp in self._lines.lamps.values():
            reading = lamp.reading
            if reading is None or reading is lamp.told or reading.at < EARLIEST_TRUE_TIME:
                continue
            if all_due or lamp.is_news():
                lamp.told = reading
                readings.append(reading)
        if readings:
            self._rows.readings(readings)

    def _tell_events(self, events: Sequence[LampEvent]) -> None:
        if events:
            self._rows.events(events, still_open=self._lines.open_events)

    # --- which lamps there are ------------------------------------------------------------------

    def _follow(self, orders: LightOrders) -> None:
        if self._control is None:
            self._programs = Programs(orders)
            self._control = Control(self._programs, orders)
        else:
            self._control.follow(orders)
        self._tell_events(self._lines.follow(orders, at=self._clock.utc()))
        _log.info("light orders taken", version=orders.version, lamps=len(self._lines.lamps))
