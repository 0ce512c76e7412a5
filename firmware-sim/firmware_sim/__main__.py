"""The simulator's command line: make a site, walk it over MQTT, or record a walk of it."""

import argparse
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import structlog

from firmware_sim.adapters import BluezAir, make_nodes
from firmware_sim.bluez.command import add_bluez
from firmware_sim.clones import Clone
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.serve import Around, Switchboard, control_port, installed
from firmware_sim.lamps.weather import Weather
from firmware_sim.lamps.wire import SerialSlaves
from firmware_sim.people import DAY_S, JST_S, Errand
from firmware_sim.publish import Broker, SimClock, Town
from firmware_sim.record import write_recording
from firmware_sim.site import read_site
from firmware_sim.town import generate_site
from firmware_sim.town_control import TownBoard
from firmware_sim.truth import TruthFile, write_roster
from firmware_sim.world import BatteryChange, Press, World

log = structlog.get_logger()

SCHOOL_IS_OUT_S = 15 * 3600.0
CLONES_ON_COMMAND = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it did what was asked, 2 where it could not."""
    given = _parser().parse_args(arguments)
    try:
        given.command(given)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"firmware_sim {given.name}: {error}\n")
        return 2
    return 0


def _site(given: argparse.Namespace) -> None:
    text = generate_site(seed=given.seed, gateways=given.gateways)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8")


def _world(given: argparse.Namespace, start: float, *, more_clones: int = 0) -> World:
    return World(
        read_site(given.site),
        seed=given.seed,
        start=start,
        people=given.people or 2 * given.carriers,
        most_outdoors=given.carriers,
        errands=tuple(given.walk),
        presses=tuple(given.sos),
        native=given.native,
        battery_changes=tuple(given.new_battery),
        clones=tuple(given.clone),
        more_clones=more_clones,
    )


def _tags(given: argparse.Namespace) -> None:
    write_roster(_world(given, given.start), given.out)


def _town(given: argparse.Namespace) -> None:
    controlled = given.control is not None
    world = _world(given, given.start, more_clones=CLONES_ON_COMMAND if controlled else 0)
    write_roster(world, given.tags)
    anchor = time.time() if given.anchor is None else given.anchor
    clock = SimClock(given.start, anchor, given.rate)
    broker = Broker(*_host_and_port(given.mqtt))
    with ExitStack() as stack:
        air = None
        if given.bluez is not None:
            air = stack.enter_context(BluezAir(*_host_and_port(given.bluez)))
        nodes = make_nodes(world.site, dict(given.adapter), air)
        board = TownBoard(world, nodes)
        truth = stack.enter_context(TruthFile(world, given.truth))
        town = Town(world, clock=clock, broker=broker, truth=truth, nodes=nodes, board=board)
        if controlled:
            port = stack.enter_context(control_port(given.control, board))
            log.info("town listens", control=port)

        def stop(_signal: int, _frame: object) -> None:
            town.stopped = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        town.run(until=given.start + (given.seconds or math.inf))
        broker.close()
    counts = broker.counts
    log.info("town stopped", published=counts.published, unpublished=counts.unpublished)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _record(given: argparse.Namespace) -> None:
    world = _world(given, given.start)
    seconds = round(given.minutes * 60)
    written = write_recording(world, given.out, start=given.start, seconds=seconds)
    write_roster(world, given.out / "tags.json")
    log.info("recorded", folder=str(given.out), sightings=written.sightings, truth=written.truth)


def _lamps(given: argparse.Namespace) -> None:
    if len(given.bus) != len(given.link):
        raise ValueError("give one --link after each --bus")
    text = given.site.read_text(encoding="utf-8")
    anchor = time.time() if given.anchor is None else given.anchor
    clock = SimClock(time.time() if given.start is None else given.start, anchor, given.rate)
    lon, lat = json.loads(text)["properties"].get("origin", (0.0, 0.0))
    around = Around(Weather(given.seed, lon=lon, lat=lat, fog=given.fog))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signal, _frame: stop.set())
    lines: dict[str, SerialSlaves] = {}
    lamps: dict[str, tuple[SerialSlaves, LampNode]] = {}
    with ExitStack() as stack:
        for bus, link in zip(given.bus, given.link, strict=True):
            nodes = installed(text, gateway=given.gateway, bus=bus, seed=given.seed)
            line = SerialSlaves(
                list(nodes.values()),
                link=link,
                baud=given.baud,
                paced=not given.unpaced,
                surroundings=around,
                utc=clock.utc,
                seed=given.seed,
            )
            lines[bus] = stack.enter_context(line)
            lamps |= {lamp: (line, node) for lamp, node in nodes.items()}
        port = None
        if given.control is not None:
            board = Switchboard(lines, lamps, around)
            port = stack.enter_context(control_port(given.control, board))
        log.info("lamps listen", lamps=len(lamps), buses=given.bus, control=port)
        stop.wait()


def _adapter(text: str) -> tuple[str, str]:
    name, receiver = text.split("=")
    return name, receiver


def _errand(text: str) -> Errand:
    person, start, goal = text.split(":")
    return Errand(person, start, goal)


def _press(text: str) -> Press:
    person, after_s = text.split("@")
    return Press(person, float(after_s))


def _battery_change(text: str) -> BatteryChange:
    person, after_s = text.split("@")
    return BatteryChange(person, float(after_s))


def _share(text: str) -> float:
    return float(Fraction(text))


def _clone(text: str) -> Clone:
    """WHO@FROM-TO+LATER:PLACE, in seconds from the start; without LATER at once."""
    person, rest = text.split("@")
    when, place = rest.split(":")
    span, _, later_s = when.partition("+")
    from_s, to_s = span.split("-")
    return Clone(person, float(from_s), float(to_s), float(later_s or 0.0), place)


def _out_of_school_today() -> float:
    """15:00 local time of today: children are on their way home."""
    midnight = (time.time() + JST_S) // DAY_S * DAY_S - JST_S
    return midnight + SCHOOL_IS_OUT_S


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmware_sim", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)

    site = commands.add_parser("site", help="write a site's GeoJSON")
    site.add_argument("--seed", type=int, default=1)
    site.add_argument("--out", type=Path, required=True)
    site.add_argument("--gateways", type=int, choices=(1, 4), default=1)
    site.set_defaults(command=_site)

    world = _world_options()
    tags = commands.add_parser("tags", parents=[world], help="write the tags to register")
    tags.add_argument("--out", type=Path, required=True)
    tags.set_defaults(command=_tags)

    _add_town(commands.add_parser("town", parents=[world], help="publish the town over MQTT"))
    record = commands.add_parser("record", parents=[world], help="write a recording")
    record.add_argument("--minutes", type=float, default=15.0)
    record.add_argument("--out", type=Path, required=True)
    record.set_defaults(command=_record)
    _add_lamps(commands.add_parser("lamps", help="put a gateway's lamps on serial lines"))
    add_bluez(commands.add_parser("bluez", help="offer org.bluez on a D-Bus of its own"))
    return parser


def _world_options() -> argparse.ArgumentParser:
    world = argparse.ArgumentParser(add_help=False)
    world.add_argument("--site", type=Path, required=True)
    world.add_argument("--seed", type=int, default=1)
    world.add_argument("--start", type=float, default=_out_of_school_today(), help="Unix seconds")
    world.add_argument("--carriers", type=int, default=40, help="outdoors at once, at most")
    world.add_argument("--people", type=int, help="living here; twice the carriers by default")
    world.add_argument("--walk", type=_errand, action="append", default=[], metavar="WHO:FROM:TO")
    world.add_argument("--sos", type=_press, action="append", default=[], metavar="WHO@SECONDS")
    world.add_argument(
        "--native", type=_share, default=0.0, metavar="SHARE", help="of tags that rotate, as 1/3"
    )
    world.add_argument(
        "--new-battery", type=_battery_change, action="append", default=[], metavar="WHO@SECONDS"
    )
    world.add_argument(
        "--clone",
        type=_clone,
        action="append",
        default=[],
        metavar="WHO@FROM-TO+LATER:PLACE",
        help="an attacker records that tag, and plays it LATER seconds later at a place",
    )
    return world


def _add_town(town: argparse.ArgumentParser) -> None:
    town.add_argument("--mqtt", default="127.0.0.1:1883", metavar="HOST:PORT")
    town.add_argument("--anchor", type=float, help="real Unix seconds at --start; now by default")
    town.add_argument("--rate", type=float, default=1.0)
    town.add_argument("--seconds", type=float, help="simulated seconds to run; for ever by default")
    town.add_argument("--truth", type=Path, default=Path("truth.csv"))
    town.add_argument("--tags", type=Path, default=Path("tags.json"))
    town.add_argument(
        "--bluez", metavar="HOST:PORT", help="the control port of a simulated BlueZ, for --adapter"
    )
    town.add_argument(
        "--adapter",
        type=_adapter,
        action="append",
        default=[],
        metavar="NAME=RECEIVER",
        help="that receiver is an adapter of the simulated BlueZ, and silent on MQTT",
    )
    town.add_argument(
        "--control", type=int, metavar="PORT", help="to press buttons …; 0: a free one"
    )
    town.set_defaults(command=_town)


def _add_lamps(lamps: argparse.ArgumentParser) -> None:
    lamps.add_argument("--site", type=Path, required=True)
    lamps.add_argument("--gateway", default="gw-01")
    lamps.add_argument("--bus", action="append", required=True, help="as the site names it")
    lamps.add_argument(
        "--link", type=Path, action="append", required=True, help="becomes the device of that bus"
    )
    lamps.add_argument("--baud", type=int, default=19_200)
    lamps.add_argument("--unpaced", action="store_true", help="answers at once, unlike a wire")
    lamps.add_argument("--control", type=int, metavar="PORT", help="to break lamps; 0: a free one")
    lamps.add_argument("--seed", type=int, default=1)
    lamps.add_argument("--fog", type=float, default=0.0, help="how much daylight flickers: 0.5")
    lamps.add_argument("--start", type=float, help="simulated Unix seconds; now by default")
    lamps.add_argument("--anchor", type=float, help="real Unix seconds at --start; now by default")
    lamps.add_argument(
        "--rate", type=float, default=1.0, help="of the nodes' clock, not the wire's"
    )
    lamps.set_defaults(command=_lamps)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(main())
