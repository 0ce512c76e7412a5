"""A machine with a real bluetoothd, emulated; it does one job and is gone."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bluez.machine.image import Image, MachineError, find_tool
from tests.needs import ROOT

MEMORY_MB = 256
MOST_LINES = 3  # a PC has four serial lines, and the first is the console


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left of a machine: what it said, and how long it took."""

    said: str
    took_s: float

    @property
    def versions(self) -> str:
        """Which bluetoothd and which kernel it had."""
        return next((line for line in self.said.splitlines() if line.startswith("bluetoothd")), "")


async def run_machine(
    image: Image, job: str, *, folder: Path, lines: Sequence[Path], within_s: float = 240.0
) -> Outcome:
    """Run `job`, a shell script with the functions of guest.sh, whose /job is `folder`.

    `lines` are the sockets of the controllers at its serial lines 1…3. Raises MachineError, with
    the end of what the machine said, where it does not end by itself.
    """
    (folder / "job.sh").write_text(job)
    console = folder / "console.log"
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *_command(image, folder, console, lines), stdin=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(within_s):
            code = await process.wait()
    except TimeoutError:
        problem = f"not done within {within_s:.0f} s (is this host busy?)"
        raise MachineError(
            f"the machine was {problem}; it said:\n{_said(console)[-2000:]}"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise MachineError(f"qemu failed ({code}); the machine said:\n{_said(console)[-2000:]}")
    return Outcome(_said(console), time.monotonic() - began)


def _command(image: Image, folder: Path, console: Path, lines: Sequence[Path]) -> list[str]:
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} controllers; a machine has {MOST_LINES} lines for them")
    serial = [f"file:{console}", *(f"unix:{line}" for line in lines)]
    shares = {"project": f"path={ROOT},readonly=on", "job": f"path={folder}"}
    return [
        *(find_tool("qemu-system-x86_64"), "-M", "pc", "-accel", "tcg,tb-size=64", "-cpu", "max"),
        *("-m", str(MEMORY_MB), "-nodefaults", "-display", "none", "-no-reboot"),
        *("-kernel", str(image.kernel), "-initrd", str(image.ramdisk)),
        *("-append", "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests"),
        *("-drive", f"file={image.disk},if=virtio,format=raw,snapshot=on"),
        *(part for line in serial for part in ("-serial", line)),
        *(
            part
            for tag, share in shares.items()
            for part in ("-virtfs", f"local,{share},mount_tag={tag},security_model=none")
        ),
    ]


def _said(console: Path) -> str:
    return console.read_text(errors="replace") if console.exists() else ""
