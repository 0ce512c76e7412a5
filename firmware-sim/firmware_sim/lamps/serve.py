"""The lamps of a site on their lines, in real time, with a port through which they can be broken.

One command a line, answered by a line of JSON; what cannot be done is answered with `error`:

    state LAMP                  what is true of it, and what it says
    fault LAMP NAME             break it so (names: firmware_sim.lamps.node.Fault)
    mend LAMP [NAME]            mend that, or everything
    motion LAMP on|off          somebody is before its sensor
    line BUS [NAME=SHARE ...]   what befalls answers: noise, silence, late, wrong_unit, truncation
    surroundings [NAME=VALUE …] lux, ambient_c, supply_v, frequency_hz in place of the weather's
    unplug BUS, plug BUS        the adapter's plug
    counts BUS                  what became of requests
"""

import json
import random
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import Counters, LampNode
from firmware_sim.lamps.trouble import Trouble
from firmware_sim.lamps.weather import Surroundings, Weather
from firmware_sim.lamps.wire import SerialSlaves

BURNED_H = (2_000.0, 26_000.0)  # what installed lamps have burned …
SHARE_OF_FULL_POWER = 0.6  # … at, on average


def installed(site: str, *, gateway: str, bus: str, seed: int) -> dict[str, LampNode]:
    """The nodes of one line by lamp, from a site's GeoJSON. Raises ValueError where it has none."""
    known = [feature["properties"] for feature in json.loads(site)["features"]]
    lamps = [k for k in known if k["kind"] == "lamp" and k.get("gateway") == gateway]
    nodes = {k["id"]: _node(k, seed) for k in lamps if k["bus"] == bus}
    if not nodes:
        buses = sorted({k["bus"] for k in lamps})
        raise ValueError(f"gateway {gateway} has no lamps on {bus}; it has them on {buses}")
    return nodes


def _node(lamp: Mapping[str, Any], seed: int) -> LampNode:
    kind = LUMINAIRES[lamp["lamp_type"]]
    own_seed = seed ^ zlib.crc32(lamp["id"].encode())
    chance = random.Random(own_seed)
    operating_h = chance.uniform(*BURNED_H)
    counters = Counters(
        energy_kwh=operating_h * kind.power_curve[-1][1] * SHARE_OF_FULL_POWER / 1000.0,
        operating_h=operating_h,
        switch_ons=int(operating_h / 11.0),
        supply_losses=chance.randrange(10),
    )
    return LampNode(
        unit=lamp["unit"], firmware=lamp["profile"], lamp=kind, seed=own_seed, counters=counters
    )


class Around:
    """The weather, or what was said in its place."""

    def __init__(self, weather: Weather) -> None:
        self.instead: dict[str, Any] = {}
        self._weather = weather

    def __call__(self, utc: float) -> Surroundings:
        """The surroundings at `utc`, Unix seconds."""
        return replace(self._weather.at(utc), **self.instead)


class Switchboard:
    """Does what a command line says to lamps and lines; `obey` returns what to answer."""

    def __init__(
        self,
        lines: Mapping[str, SerialSlaves],
        lamps: Mapping[str, tuple[SerialSlaves, LampNode]],
        around: Around,
    ) -> None:
        self._lines, self._lamps, self._around = lines, lamps, around
        self._verbs: Mapping[str, Callable[[Sequence[str]], dict[str, Any]]] = {
            "state": self._state,
            "fault": self._fault,
            "mend": self._mend,
            "motion": self._motion,
            "line": self._line,
            "surroundings": self._surroundings,
            "unplug": self._unplug,
            "plug": self._plug,
            "counts": self._counts,
        }

    def obey(self, command: str) -> dict[str, Any]:
        """The answer to one command; {"error": …} where it cannot be done."""
        verb, *words = command.split() or [""]
        if verb not in self._verbs:
            return {"error": f"no command {verb!r}; there are {', '.join(self._verbs)}"}
        try:
            return self._verbs[verb](words)
        except KeyError as error:
            return {"error": f"no such lamp, line or word: {error}"}
        except (ValueError, TypeError, IndexError) as error:
            return {"error": f"{command.strip()}: {error}"}

    def _at(self, lamp: str, job: Callable[[LampNode], object]) -> dict[str, Any]:
        line, node = self._lamps[lamp]

        def run() -> dict[str, Any]:
            line.line.live(node)
            job(node)
            return truth(node)

        return line.do(run)

    def _state(self, words: Sequence[str]) -> dict[str, Any]:
        return self._at(words[0], lambda _node: None)

    def _fault(self, words: Sequence[str]) -> dict[str, Any]:
        return self._at(words[0], lambda node: node.set_fault(words[1]))

    def _mend(self, words: Sequence[str]) -> dict[str, Any]:
        def mend(node: LampNode) -> None:
            for fault in words[1:] or [fault.value for fault in node.faults]:
                node.clear_fault(fault)

        return self._at(words[0], mend)

    def _motion(self, words: Sequence[str]) -> dict[str, Any]:
        seen = {"on": True, "off": False}[words[1]]
        return self._at(words[0], lambda node: setattr(node, "motion", seen))

    def _line(self, words: Sequence[str]) -> dict[str, Any]:
        self._lines[words[0]].line.trouble = Trouble(**_numbers(words[1:]))
        return {"line": words[0]}

    def _surroundings(self, words: Sequence[str]) -> dict[str, Any]:
        instead = _numbers(words)
        replace(Surroundings(), **instead)  # a name that is none is refused before anything changes
        for line in self._lines.values():  # until now the former ones held
            line.do(line.line.live_all)
        self._around.instead = instead
        return instead

    def _unplug(self, words: Sequence[str]) -> dict[str, Any]:
        self._lines[words[0]].unplug()
        return {"unplugged": words[0]}

    def _plug(self, words: Sequence[str]) -> dict[str, Any]:
        self._lines[words[0]].plug()
        return {"plugged": words[0]}

    def _counts(self, words: Sequence[str]) -> dict[str, Any]:
        return dict(self._lines[words[0]].counts)


def truth(node: LampNode) -> dict[str, Any]:
    """What is true of a node now, whatever it says."""
    return {
        "at": node.at,
        "given_level": node.given_level,
        "power_w": node.power_w,
        "energy_kwh": node.counters.energy_kwh,
        "relay_closed": node.relay_closed,
        "autonomous": node.autonomous,
        "answers": node.answers,
        "faults": sorted(node.faults),
    }


def _numbers(words: Sequence[str]) -> dict[str, Any]:
    """{name: number} of NAME=NUMBER each. Raises ValueError."""
    pairs = [word.partition("=") for word in words]
    return {name: float(value) for name, _, value in pairs}


class Obeys(Protocol):
    """Does what command lines say."""

    def obey(self, command: str) -> dict[str, Any]:
        """What to answer to one."""
        ...


class _Control(socketserver.ThreadingTCPServer):
    """Listens on the loopback address only: whoever reaches it may break things."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, switchboard: Obeys) -> None:
        self.switchboard = switchboard
        super().__init__(("127.0.0.1", port), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    server: _Control

    def handle(self) -> None:
        for line in self.rfile:
            said = self.server.switchboard.obey(line.decode("utf-8", "replace"))
            self.wfile.write(json.dumps(said).encode() + b"\n")


@contextmanager
def control_port(port: int, switchboard: Obeys) -> Iterator[int]:
    """The port that listens, `port` or a free one for 0, while within."""
    with _Control(port, switchboard) as server:
        thread = threading.Thread(target=server.serve_forever, name="control", daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
