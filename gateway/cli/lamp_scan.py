"""`machimori lamp scan`: which nodes answer on a serial line, for the technician at the pole.

It opens the line itself: where the gateway's service holds it, that must be stopped first.
"""

import asyncio
from collections.abc import Collection
from typing import Annotated

import typer

from gateway.cli.lamp_hub import LampError
from gateway.cli.options import ConfigFile
from gateway.lights.bus_scan import UNITS
from gateway.lights.bus_scan import scan as scan_line
from gateway.lights.bus_words import Failure, Found, Line
from gateway.lights.profiles import load_profiles
from gateway.settings import EdgeSettings, Settings, load_settings
from gateway.site import Lamp, load_site


def scan(
    bus: Annotated[str, typer.Argument(metavar="BUS", help="Its name in [edge.buses].")],
    *,
    config: ConfigFile,
    units: Annotated[
        str, typer.Option(metavar="FROM-TO", help="Which units to ask, as 1-40 or 3,7,12.")
    ] = f"{UNITS[0]}-{UNITS[-1]}",
) -> None:
    """Ask every unit of a serial line who it is, and compare that with the site."""
    settings = load_settings(config)
    line = _line(settings.edge, bus)
    wanted = parse_units(units)
    lamps = _lamps_of(settings, bus)
    profiles = load_profiles(settings.lamps)

    async def work() -> int:
        answered = 0
        async for one in scan_line(line, profiles, wanted):
            answered += one.failure is not Failure.SILENCE
            if told := line_about(one, lamps.get(one.unit)):
                typer.echo(told)
        return answered

    typer.echo(f"Asking {len(wanted)} units of {bus} ({line.device}) …")
    if not asyncio.run(work()):
        raise LampError(
            f"Nothing answers on {bus}. See to the adapter, to A and B (they may be swapped), to "
            f"the speed ({line.baud} baud, {line.parity}), and that the nodes have power."
        )


def line_about(found: Found, lamp: Lamp | None) -> str:
    """One line on a unit: what it is, and what the site says of it; empty where nothing is."""
    if found.failure is Failure.SILENCE and lamp is None:
        return ""
    expected = "not on the site" if lamp is None else f"{lamp.id} on pole {lamp.pole or '–'}"
    if found.failure is not None:
        return f"unit {found.unit}: {found.failure.replace('_', ' ')} ({expected})"
    if not found.profile:
        return f"unit {found.unit}: answers, and no register map knows it ({expected})"
    serial = "" if found.serial is None else f", serial {found.serial}"
    remark = ""
    if lamp is not None and lamp.profile != found.profile:
        remark = f": the site says {lamp.profile}, mend it there"
    return f"unit {found.unit}: {found.profile}{serial} ({expected}){remark}"


def parse_units(text: str) -> tuple[int, ...]:
    """ "1-3,7" as 1, 2, 3, 7. Raises LampError."""
    wanted: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.strip().isdecimal() and (last or first).strip().isdecimal()):
            raise LampError(f"--units {text}: is no list of units. Write 1-40, or 3,7,12.")
        low, high = int(first), int(last or first)
        if low not in UNITS or high not in UNITS or low > high:
            raise LampError(f"--units {text}: Modbus has the units {UNITS[0]} to {UNITS[-1]}.")
        wanted.update(range(low, high + 1))
    return tuple(sorted(wanted))


def _line(edge: EdgeSettings, bus: str) -> Line:
    if bus not in edge.buses:
        raise LampError(f"There is no bus {bus} in [edge.buses]. {_known(edge.buses)}")
    known = edge.buses[bus]
    return Line(
        name=bus,
        device=known.device,
        baud=known.baud,
        parity=known.parity,
        stop_bits=known.stop_bits,
        timeout_s=known.timeout_s,
        quiet_s=known.quiet_s,
    )


def _known(buses: Collection[str]) -> str:
    return f"There are: {', '.join(buses)}." if buses else "Write there which device the line is."


def _lamps_of(settings: Settings, bus: str) -> dict[int, Lamp]:
    gateway = settings.edge.gateway
    lamps = load_site(settings.site).lamps
    return {lamp.unit: lamp for lamp in lamps if (lamp.gateway, lamp.bus) == (gateway, bus)}
