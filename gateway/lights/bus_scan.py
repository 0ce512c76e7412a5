"""Which nodes are on a line, and of what kind: for the technician at the pole."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping

from gateway.lights.bus_wire import Wire
from gateway.lights.bus_words import Failure, Found, Line
from gateway.lights.profiles import Profile

UNITS = range(1, 248)  # Modbus over Serial Line V1.02, 2.2


async def scan(
    line: Line, profiles: Mapping[str, Profile], units: Iterable[int] = UNITS
) -> AsyncIterator[Found]:
    """Ask each of `units` who it is, and say so at once: also of those that were silent.

    The line must be free: PortError where the service holds it, or where it is not there. A silent
    unit takes `timeout_s` + `quiet_s`, so all 247 take two minutes. Close it with `aclosing`.
    """
    async with Wire(line, counts=Counter(), on_lost=_nothing_waits) as wire:
        for unit in units:
            yield await _who(wire, unit, profiles.values())


async def _who(wire: Wire, unit: int, profiles: Iterable[Profile]) -> Found:
    failure: Failure | None = None
    for profile in profiles:
        await wire.free()
        answer = await wire.read(unit, profile.identity.block)
        if not isinstance(answer, Failure):
            failure = None
            if profile.identity.matches(answer):
                return Found(unit, profile.name, profile.identity.serial_of(answer), None)
        elif answer in (Failure.SILENCE, Failure.BUS_DOWN):
            return Found(unit, "", None, answer)
        else:
            failure = answer
    return Found(unit, "", None, failure)


def _nothing_waits() -> None:
    """A lost port is seen by the answers."""
