"""A port through which a running simulated BlueZ can be broken, and adverts put into its air.

One command a line, answered by a line of JSON; what cannot be done is answered with `error`:

    state                             what is true of bluetoothd and each adapter
    advert ADAPTER ADDRESS RSSI HEX   an advertisement is in the air (AD structures as hex)
    unplug ADAPTER, plug ADAPTER      the adapter's plug
    power ADAPTER on|off
    stick ADAPTER [stubborn]          its discovery is stuck without error
    rssi ADAPTER on|off               whether adverts come with their RSSI
    kill, start, restart [SECONDS]    bluetoothd
    hang, wake                        bluetoothd answers nobody, or again
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.simulated import SimulatedBluez

LOOPBACK = "127.0.0.1"
_SWITCH = {"on": True, "off": False}

Answer = dict[str, Any]


class Switchboard:
    """Does what a command line says; `obey` returns what to answer."""

    def __init__(self, bluez: SimulatedBluez) -> None:
        self._bluez = bluez
        self._verbs: Mapping[str, Callable[[Sequence[str]], Awaitable[None] | None]] = {
            "state": lambda _: None,
            "advert": self._advert,
            "unplug": lambda words: self._at(words).unplug(),
            "plug": lambda words: self._at(words).plug(),
            "power": lambda words: self._at(words).power(on=_SWITCH[words[1]]),
            "stick": lambda words: self._at(words).stick(stubborn="stubborn" in words[1:]),
            "rssi": self._rssi,
            "kill": lambda _: bluez.kill(),
            "start": lambda _: bluez.start(),
            "restart": lambda words: bluez.restart(down_s=float(words[0] if words else 0.5)),
            "hang": lambda _: bluez.hang(),
            "wake": lambda _: bluez.wake(),
        }

    async def obey(self, command: str) -> Answer:
        """The answer to one command: the state after it (but {} to an advert), or {"error": …}."""
        verb, *words = command.split() or [""]
        if verb not in self._verbs:
            return {"error": f"no command {verb!r}; there are {', '.join(self._verbs)}"}
        try:
            doing = self._verbs[verb](words)
            if doing is not None:
                await doing
        except KeyError as error:
            return {"error": f"no such adapter or word: {error}"}
        except (ValueError, IndexError, OSError) as error:
            return {"error": f"{command.strip()}: {error}"}
        return {} if verb == "advert" else self._state()

    def _at(self, words: Sequence[str]) -> SimulatedAdapter:
        return self._bluez.adapters[words[0]]

    def _advert(self, words: Sequence[str]) -> None:
        self._at(words).advert(words[1], int(words[2]), bytes.fromhex(words[3]))

    def _rssi(self, words: Sequence[str]) -> None:
        adapter = self._at(words)
        if _SWITCH[words[1]]:
            adapter.find_rssi()
        else:
            adapter.lose_rssi()

    def _state(self) -> Answer:
        adapters = {name: adapter.state() for name, adapter in self._bluez.adapters.items()}
        return {"running": self._bluez.running, "adapters": adapters}


@asynccontextmanager
async def control_port(port: int, bluez: SimulatedBluez) -> AsyncIterator[int]:
    """The port that listens, `port` or a free one for 0, while within: on the loopback address
    only, as whoever reaches it may break things."""
    board = Switchboard(bluez)
    talking: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(writer)
        with closing(writer), suppress(ConnectionError):
            while line := await reader.readline():
                said = await board.obey(line.decode("utf-8", "replace"))
                writer.write(json.dumps(said).encode() + b"\n")
                await writer.drain()
        talking.discard(writer)

    async with await asyncio.start_server(talk, LOOPBACK, port) as server:
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            for writer in talking:  # the server's end waits for them
                writer.close()
