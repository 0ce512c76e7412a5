"""`machimori demo`: the whole system on a simulated town, as processes in one folder, without root.

The simulator is a program of its own, started by its name: it shares only the wire with us.
"""

import asyncio
import fcntl
import json
import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, TextIO

import typer

from gateway.app.tag_keys import read_tag_keys
from gateway.cli.demo_ground import (
    GATEWAY,
    HUB_KEY,
    SCHOOL_IS_OUT,
    Ground,
    free_port,
    settings_text,
    with_adapters,
)
from gateway.cli.processes import Processes
from gateway.cli.tag import NewTag, register
from gateway.cli.user import create
from gateway.model import Audience, CarrierKind, UnusableError
from gateway.sealing import write_new_key
from gateway.settings import Settings, config_dir, load_settings
from gateway.store.database import Database

WATCHED = 6  # carriers of the demo's one guardian
GUARDIAN, STAFF = "demo", "staff"
READY_WITHIN_S = 300.0  # the first start compiles the tracker
ROSTER = "tags.json"
NATIVE_SHARE = "1/3"  # of the tags: their identity rotates
MARKER = ".machimori-demo"  # what has it may be emptied

_BROKER = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{mqtt}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""
_INFLUX = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/influx/meta"
[data]
  dir = "{folder}/influx/data"
  wal-dir = "{folder}/influx/wal"
[http]
  bind-address = "127.0.0.1:{influx}"
  log-enabled = false
"""


def demo(
    *,
    port: Annotated[int, typer.Option(help="Where the page is, or near it.")] = 8080,
    carriers: Annotated[int, typer.Option(min=1, max=40, help="People outdoors at once.")] = 40,
    hour: Annotated[
        int, typer.Option(min=0, max=23, help="O'clock in the town; 18 shows the lights.")
    ] = SCHOOL_IS_OUT,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    bluez: Annotated[
        bool, typer.Option(help="Poles at the centre are the gateway's own Bluetooth adapters.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Emptied first, then written.")] = Path(".demo"),
) -> None:
    """Start broker, town, lamps and gateway, and print where to look; Ctrl-C ends it all."""
    if bluez and shutil.which("dbus-daemon") is None:
        raise UnusableError(
            "The simulated BlueZ needs dbus-daemon: on Debian, apt install dbus. Without --bluez "
            "the demo needs none."
        )
    for name in (signal.SIGTERM, signal.SIGINT):  # a background job begins with SIGINT ignored
        signal.signal(name, _as_ctrl_c)
    site = config_dir() / "site.geojson"
    try:
        with claim(folder.resolve()):
            typer.echo("Starting broker, gateway and town …")
            ground = Ground(folder.resolve(), site, port, hour)
            if bluez:
                ground = with_adapters(ground)
            world = ("--site", ground.site, "--seed", seed, "--carriers", carriers)
            _run(ground, [*(str(word) for word in world), "--native", NATIVE_SHARE])
    except KeyboardInterrupt:
        typer.echo("\nThe demo has ended.")


def claim(folder: Path) -> TextIO:
    """Empty `folder`; it is ours until the file that this returns is closed.

    Raises UnusableError where another demo has it, or where it is not a demo's.
    """
    marker = folder / MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not marker.is_file():
            raise UnusableError(f"{folder}: is no demo's folder. Give an empty one with --folder.")
        with ExitStack() as unless_ours:
            lock = unless_ours.enter_context(marker.open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in set(folder.iterdir()) - {marker}:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            unless_ours.pop_all()
    except BlockingIOError as error:
        raise UnusableError(
            f"{folder}: a demo runs there. End it, or give this one another --folder and --port."
        ) from error
    except OSError as error:
        raise UnusableError(
            f"{folder}: cannot be emptied and written ({error.strerror}). Give another folder "
            "with --folder."
        ) from error
    return lock


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo can be played with; 0 is nowhere."""

    lamps: int
    town: int
    bluez: int
    influx: int | None


def _run(ground: Ground, world: list[str]) -> None:
    folder = ground.folder
    settings_file = folder / "gateway.toml"
    password = secrets.token_urlsafe(9)
    with (
        tempfile.TemporaryDirectory(prefix="machimori-") as short,  # a socket's path is short
        Processes(folder) as processes,
    ):
        influx_port = _start_influx(folder, processes)
        mqtt_port = _start_broker(folder, processes)
        settings_file.write_text(settings_text(ground, mqtt_port, influx_port), encoding="utf-8")
        settings = load_settings(settings_file)
        start = ["--start", str(settings.clock.start)]
        anchor = ["--anchor", str(settings.clock.anchor)]
        world = [*world, *start]
        simulator: list[str | Path] = [sys.executable, "-m", "firmware_sim"]
        processes.finish("roster", [*simulator, "tags", *world, "--out", folder / ROSTER])
        asyncio.run(_register(settings, folder, password))
        lamps = _start_lamps(ground, processes, [*simulator, "lamps", *start, *anchor])
        bus = Path(short) / "dbus"
        bluez = _start_bluez(ground, processes, [*simulator, "bluez", "--socket", bus])
        gateway: list[str | Path] = [sys.executable, "-m", "gateway", "run", "--config"]
        heard_there = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"} if bluez else {}
        processes.start("gateway", [*gateway, settings_file], **heard_there)
        ports = Ports(lamps, free_port(), bluez, influx_port)
        town = [*world, *anchor, "--mqtt", f"127.0.0.1:{mqtt_port}", *_heard_by(ground, ports)]
        files: list[str | Path] = ["--truth", folder / "truth.csv", "--tags", folder / ROSTER]
        processes.start("town", [*simulator, "town", *town, *files])
        url = f"http://127.0.0.1:{settings.hub.api.port}/"
        processes.wait_for_page(url, within_s=READY_WITHIN_S)
        _say(url, password, ground, ports)
        processes.watch()


def _say(url: str, password: str, ground: Ground, ports: Ports) -> None:
    typer.echo(f"\n  まちもり  {url}")
    typer.echo(f"  family    login {GUARDIAN:6} password {password}")
    typer.echo(f"  lights    login {STAFF:6} password {password}\n")
    typer.echo(f"It is {ground.hour}:00 in the town. Ctrl-C ends the demo.")
    typer.echo(f"To break a lamp:   {_command('fault lamp-017 lamp_out', ports.lamps)}")
    typer.echo(f"To press a button: {_command('press child-001', ports.town)}")
    typer.echo(f"To copy a tag:     {_command('clone child-002 school', ports.town)}")
    if ports.bluez:
        where = ", ".join(f"{adapter} at {receiver}" for adapter, receiver in ground.adapters)
        typer.echo(f"To break Bluetooth ({where}): {_command('stick hci0', ports.bluez)}")
    if ports.influx is None:
        typer.echo("InfluxDB is not installed here, so the sink is not started.")
    typer.echo(f"Logs, settings and the truth of who was where: {ground.folder}")


def _command(words: str, port: int) -> str:
    return f"echo {words} > /dev/tcp/127.0.0.1/{port}"


def _start_bluez(ground: Ground, processes: Processes, command: list[str | Path]) -> int:
    """The port on which the simulated BlueZ can be broken and mended; 0 without adapters."""
    if not ground.adapters:
        return 0
    control = free_port()
    names = [word for adapter, _ in ground.adapters for word in ("--adapter", adapter)]
    processes.start("bluez", [*command, *names, "--tags", "0", "--control", str(control)])
    processes.wait_for_port(control, within_s=READY_WITHIN_S)
    return control


def _heard_by(ground: Ground, ports: Ports) -> list[str]:
    """The town's options for its own port, and for the receivers that are adapters."""
    words = ["--control", str(ports.town)]
    for adapter, receiver in ground.adapters:
        words += ["--adapter", f"{adapter}={receiver}"]
    return [*words, "--bluez", f"127.0.0.1:{ports.bluez}"] if ground.adapters else words


def _start_lamps(ground: Ground, processes: Processes, command: list[str | Path]) -> int:
    """The port on which lamps can be broken and mended."""
    control = free_port()
    lines: list[str | Path] = []
    for name, device in ground.buses().items():
        lines += ["--bus", name, "--link", device]
    lines += ["--site", ground.site, "--gateway", GATEWAY, "--control", str(control)]
    processes.start("lamps", [*command, *lines])
    processes.wait_for_port(control, within_s=READY_WITHIN_S)
    return control


def _start_broker(folder: Path, processes: Processes) -> int:
    port = free_port()
    (folder / "broker.yaml").write_text(_BROKER.format(mqtt=port))
    amqtt = Path(sys.executable).with_name("amqtt")
    processes.start("broker", [amqtt, "-c", folder / "broker.yaml"])
    processes.wait_for_port(port, within_s=READY_WITHIN_S)
    return port


def _start_influx(folder: Path, processes: Processes) -> int | None:
    """The port of an influxd of the demo's own; None where it is not installed."""
    influxd = shutil.which("influxd")
    if influxd is None:
        return None
    port = free_port()
    config = folder / "influxdb.conf"
    config.write_text(_INFLUX.format(folder=folder, influx=port, rpc=free_port()))
    processes.start("influxd", [influxd, "run", "-config", config])
    processes.wait_for_port(port, within_s=READY_WITHIN_S)
    create = f"http://127.0.0.1:{port}/query?q=CREATE+DATABASE+machimori"
    processes.post(create)
    return port


async def _register(settings: Settings, folder: Path, password: str) -> None:
    """A guardian, one of the staff, and the first tags of the town, under a new key of the hub."""
    at = settings.clock.start or 0.0
    key = write_new_key(folder / HUB_KEY)
    roster = json.loads((folder / ROSTER).read_text(encoding="utf-8"))["tags"]
    async with Database(settings.state_path(settings.hub.database)) as database:
        for login, audience in ((GUARDIAN, Audience.GUARDIAN), (STAFF, Audience.STAFF)):
            await create(database, login=login, audience=audience, password=password, at=at)
        for one in roster[:WATCHED]:
            await register(database, _new_tag(one), at=at, key=key)


def _new_tag(one: dict[str, Any]) -> NewTag:
    """What the registry must know of one tag of the roster."""
    native = one.get("native")
    return NewTag(
        name=one["name"],
        kind=CarrierKind(one["kind"]),
        identifiers=one["identifiers"],
        buttons=one["button"],
        guardians=[GUARDIAN],
        consent_by="the demo's guardian",
        keys=read_tag_keys(json.dumps(native).encode()) if native else None,
    )


def _as_ctrl_c(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
