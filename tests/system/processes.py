"""Processes by name in one folder, each with a log of its own, killed and started at will."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.needs import ROOT

STOPS_WITHIN_S = 20.0


class Processes:
    """Starts nothing by itself; `kill_all` leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def python(self, name: str, *arguments: str, **environment: str) -> None:
        """Start a Python program under `name`."""
        await self.spawn(name, sys.executable, *arguments, **environment)

    async def spawn(self, name: str, *command: str, **environment: str) -> None:
        """Start a program under `name`; `environment` is added to ours."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, cwd=ROOT, env={**_environment(), **environment}
            )

    async def kill(self, name: str) -> None:
        """SIGKILL: no farewell, no flush."""
        process = self._processes.pop(name)
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def kill_all(self) -> None:
        """Nothing is left."""
        for name in list(self._processes):
            await Processes.kill(self, name)

    async def stop(self, name: str) -> int:
        """SIGTERM; the exit code."""
        process = self._processes.pop(name)
        process.terminate()
        return await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)

    def pid(self, name: str) -> int:
        """The process id of what runs under `name`."""
        return self._processes[name].pid

    def is_up(self, name: str) -> bool:
        """Whether that process runs."""
        return name in self._processes and self._processes[name].returncode is None

    def has(self, name: str) -> bool:
        """Whether it was started, and nobody has killed or stopped it since."""
        return name in self._processes

    def exit_code(self, name: str) -> int | None:
        """How it ended by itself; None while it runs, or where it was killed or never started."""
        process = self._processes.get(name)
        return None if process is None else process.returncode

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
