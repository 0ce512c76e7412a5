"""The lamps of an edge, and the serial lines that they are on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.app.edge_lamp import EdgeLamp
from gateway.lamps import LampEvent, LampOrder, LampType
from gateway.lights.bus_words import BusState, NodeCommand
from gateway.lights.fault_segment import Segment
from gateway.lights.orders import LightOrders
from gateway.lights.polling import OnBus
from gateway.lights.profiles import Profile

_log = structlog.get_logger()


class LampBus(Protocol):
    """A line with lamps: see gateway/lights/bus.py."""

    counts: Counter[str]

    async def run(self) -> None:
        """Poll and command until cancelled."""
        ...

    def command(self, command: NodeCommand) -> None:
        """Tell a lamp, ahead of all polls."""
        ...

    def follow(self, lamps: Sequence[OnBus]) -> None:
        """These are the lamps from now on."""
        ...

    def state(self) -> BusState:
        """How the bus is now."""
        ...


@dataclass(slots=True)
class _Line:
    bus: LampBus
    segment: Segment
    nominal_voltage_v: float = 0.0


class LampLines:
    """`lamps` are those that can be driven, by id; empty before the first orders.

    `open_events` are the faults that were open when the last process ended.
    """

    def __init__(
        self,
        buses: Mapping[str, LampBus],
        profiles: Mapping[str, Profile],
        *,
        open_events: Sequence[LampEvent] = (),
    ) -> None:
        self.lamps: dict[str, EdgeLamp] = {}
        self._lines = {name: _Line(bus, Segment(())) for name, bus in buses.items()}
        self._profiles = profiles
        self._open_events = tuple(open_events)

    @property
    def buses(self) -> Mapping[str, LampBus]:
        """By name."""
        return {name: line.bus for name, line in self._lines.items()}

    @property
    def open_events(self) -> list[LampEvent]:
        """The faults of all lamps that have begun and are not over."""
        return [event for lamp in self.lamps.values() for event in lamp.watch.open]

    def segment(self, lamp: EdgeLamp) -> Segment:
        """The lamps that are fed together with `lamp`."""
        return self._lines[lamp.order.bus].segment

    def command(self, command: NodeCommand) -> None:
        """Give it to the bus of its lamp."""
        self._lines[self.lamps[command.lamp].order.bus].bus.command(command)

    def follow(self, orders: LightOrders, *, at: float) -> list[LampEvent]:
        """Take new orders: a lamp whose node is the same stays as it was.

        Returns the faults of lamps that are no longer ours, as over at `at`: nobody else would ever
        end them.
        """
        known = (*self._open_events, *self.open_events)
        self.lamps = self._driven(orders)
        self._open_events = ()
        for name, line in self._lines.items():
            _lay_out(line, [one for one in self.lamps.values() if one.order.bus == name])
        return [
            replace(event, end=max(event.start, at))
            for event in known
            if event.lamp not in self.lamps
        ]

    def _driven(self, orders: LightOrders) -> dict[str, EdgeLamp]:
        """The lamps that can be driven; of the others it is said what they want."""
        types = {one.id: one for one in orders.types}
        driven: dict[str, EdgeLamp] = {}
        wanting: dict[str, list[str]] = {}
        for order in orders.lamps:
            profile, lamp_type = self._profiles.get(order.profile), types.get(order.lamp_type)
            if order.bus in self._lines and profile is not None and lamp_type is not None:
                driven[order.lamp] = self._lamp(order, lamp_type, profile)
                continue
            why = f"the hub knows no type {order.lamp_type}"
            if order.bus not in self._lines:
                why = f"[edge.buses] has no {order.bus}: name it there"
            elif profile is None:
                why = f"no profile {order.profile}: put its file into the lamps folder"
            wanting.setdefault(why, []).append(order.lamp)
        for what, lamps in wanting.items():
            _log.error("lamps cannot be driven", reason=what, lamps=lamps)
        return driven

    def _lamp(self, order: LampOrder, lamp_type: LampType, profile: Profile) -> EdgeLamp:
        """The lamp of that order: as it was, where its node is the same."""
        before = self.lamps.get(order.lamp)
        if before is not None and before.is_node_of(order):
            before.follow(order, lamp_type)
            return before
        known = self._open_events if before is None else before.watch.open
        return EdgeLamp(order, lamp_type, profile, open_events=known)


def _lay_out(line: _Line, lamps: Sequence[EdgeLamp]) -> None:
    """These lamps are on the line."""
    names = [lamp.order.lamp for lamp in lamps]
    nominal_voltage_v = min((lamp.nominal_voltage_v for lamp in lamps), default=0.0)
    if nominal_voltage_v != line.nominal_voltage_v:
        line.nominal_voltage_v = nominal_voltage_v
        line.segment = Segment(names, nominal_voltage_v=nominal_voltage_v)
    line.segment.follow(names)
    line.bus.follow([OnBus(one.order.lamp, one.order.unit, one.profile) for one in lamps])
