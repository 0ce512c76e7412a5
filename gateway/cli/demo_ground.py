"""Where a demo is: its folder, site and ports, and the settings of its gateway."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from math import dist
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from statistics import fmean

from gateway.model import UnusableError
from gateway.site import Site, load_site

DAY_S, JST_S = 86_400, 9 * 3_600
SCHOOL_IS_OUT = 15  # o'clock in Japan: children are on their way home
GATEWAY = "gw-01"
ADAPTERS = ("hci0", "hci1")
HUB_KEY = "hub.key"

_SETTINGS = """\
site = {site}
roles = ["edge", "hub"{sink}]
state_dir = {folder}
[broker]
port = {mqtt}
[hub]
key_file = {key}
sink = {has_sink}
[hub.api]
port = {http}
cookie_secure = false
[clock]
start = {start}
anchor = {anchor}
[sink.influx]
version = 1
url = "http://127.0.0.1:{influx}"
"""
_BUS = """\
[edge.buses.{name}]
device = {device}
"""
_ADAPTERS = """\
[edge.adapters]
{adapters}
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where and when a demo is: its folder, its site, the port of its page, the hour.

    `adapters` are the gateway's own, each with the receiver of the site that it is.
    """

    folder: Path
    site: Path
    port: int = 0
    hour: int = SCHOOL_IS_OUT
    adapters: tuple[tuple[str, str], ...] = ()

    def buses(self) -> dict[str, Path]:
        """The serial lines of the gateway's lamps, and where each appears."""
        lamps = load_site(self.site).lamps
        names = sorted({lamp.bus for lamp in lamps if lamp.gateway == GATEWAY})
        return {name: self.folder / name for name in names}


def with_adapters(ground: Ground) -> Ground:
    """`ground` where the receivers nearest to the middle are adapters: such a site is written."""
    adapters = tuple(zip(ADAPTERS, _central(load_site(ground.site)), strict=False))
    local = {receiver for _, receiver in adapters}
    document = json.loads(ground.site.read_text(encoding="utf-8"))
    for feature in document["features"]:
        if feature["properties"].get("id") in local:
            for key in ("format", "topic"):  # it would be heard twice
                feature["properties"].pop(key, None)
    site = ground.folder / "site.geojson"
    site.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return replace(ground, site=site, adapters=adapters)


def _central(site: Site) -> list[str]:
    """The gateway's receivers, by their distance from the middle of all."""
    own = [receiver for receiver in site.receivers if receiver.gateway == GATEWAY]
    middle = [fmean(axis) for axis in zip(*(receiver.xy for receiver in own), strict=True)]
    return [receiver.id for receiver in sorted(own, key=lambda one: dist(one.xy, middle))]


def settings_text(ground: Ground, mqtt: int, influx: int | None) -> str:
    anchor = time.time()
    midnight = (anchor + JST_S) // DAY_S * DAY_S - JST_S
    text = _SETTINGS.format(
        site=_quoted(ground.site),
        sink="" if influx is None else ', "sink"',
        has_sink="false" if influx is None else "true",
        folder=_quoted(ground.folder),
        key=_quoted(ground.folder / HUB_KEY),
        mqtt=mqtt,
        http=free_port(ground.port),
        influx=influx or 8086,
        start=midnight + ground.hour * 3_600.0,
        anchor=anchor,
    )
    buses = ground.buses().items()
    text += "".join(_BUS.format(name=name, device=_quoted(at)) for name, at in buses)
    if not ground.adapters:
        return text
    return text + _ADAPTERS.format(
        adapters="\n".join(f'{adapter} = "{receiver}"' for adapter, receiver in ground.adapters)
    )


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def free_port(wanted: int = 0) -> int:
    """`wanted`, where nobody listens there; else any free one of the loopback address."""
    for port in (wanted, 0):
        with socket() as found:
            found.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            with suppress(OSError):  # somebody has it
                found.bind(("127.0.0.1", port))
                return int(found.getsockname()[1])
    raise UnusableError("No port of this machine is free. End some programs.")
