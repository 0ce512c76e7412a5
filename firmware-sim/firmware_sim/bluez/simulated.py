"""A whole simulated BlueZ: a D-Bus of its own, bluetoothd on it, and adapters."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.bus import private_bus
from firmware_sim.bluez.habits import Controller, Duplicates, Version
from firmware_sim.bluez.service import Service

FORGET_EVERY_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9_]+")


class SimulatedBluez:
    """`org.bluez` at `address`, which a client takes from DBUS_SYSTEM_BUS_ADDRESS, while within.

    The bus listens on `socket`, or in a temporary folder. It lives in the event loop that entered
    it. Faults of bluetoothd: `kill`, `start`, `restart`, `hang`, `wake`; those of one adapter are
    methods of the adapter.
    """

    def __init__(
        self, *, socket: Path | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = ""
        self.adapters: dict[str, SimulatedAdapter] = {}
        self._by_path: dict[str, SimulatedAdapter] = {}
        self._socket = socket
        self._monotonic = monotonic
        self._service = Service(self._by_path)
        self._within = AsyncExitStack()
        self._forgetting: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.address = stack.enter_context(private_bus(self._socket))
            stack.push_async_callback(self._service.stop)
            await self.start()
            self._within = stack.pop_all()
        self._forget_silent()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
        await self._within.aclose()

    def add_adapter(
        self,
        name: str,
        *,
        version: Version = (5, 66),
        le_only: bool = False,
        duplicates: Duplicates = "none",
        monitors: bool = True,
    ) -> SimulatedAdapter:
        """A new adapter, powered. `version` is that of the bluetoothd whose habits it has;
        `duplicates` what its controller filters when asked; without `monitors` bluetoothd runs
        without -E, and passive scans are refused. Raises ValueError for a name that is taken, or
        that D-Bus cannot have in a path."""
        if name in self.adapters or not _NAME.fullmatch(name):
            raise ValueError(f"no name for an adapter, or taken already: {name!r}; hci0, hci1 …")
        adapter = SimulatedAdapter(
            name,
            f"00:11:22:33:44:{len(self.adapters):02X}",
            version=version,
            controller=Controller(le_only=le_only, duplicates=duplicates),
            monitors=monitors,
            signals=self._service,
            monotonic=self._monotonic,
        )
        self.adapters[name] = self._by_path[adapter.path] = adapter
        self._service.added(adapter.path, adapter.interfaces)
        return adapter

    @property
    def running(self) -> bool:
        """Whether bluetoothd runs."""
        return self._service.running

    async def start(self) -> None:
        """Start bluetoothd where it does not run."""
        if not self._service.running:
            await self._service.start(self.address)

    async def kill(self) -> None:
        """bluetoothd ends without a word: its name leaves the bus, and all that it knew is lost."""
        await self._service.stop()

    async def restart(self, *, down_s: float = 0.5) -> None:
        """bluetoothd is killed, and started again `down_s` later."""
        await self.kill()
        await asyncio.sleep(down_s)
        await self.start()

    def hang(self) -> None:
        """bluetoothd keeps its name and answers nobody."""
        self._service.hung = True

    def wake(self) -> None:
        """It answers again; what was asked meanwhile stays unanswered."""
        self._service.hung = False

    def _forget_silent(self) -> None:
        for adapter in self.adapters.values():
            adapter.forget_silent()
        loop = asyncio.get_running_loop()
        self._forgetting = loop.call_later(FORGET_EVERY_S, self._forget_silent)
