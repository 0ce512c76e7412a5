"""What a process stands in and the nemesis may bend: its disk and its clock."""

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

BALLAST = "ballast"
BLOCKS = (4_000_000, 64_000, 4_096, 1)


class Disk:
    """A folder that is a small disk of its own; it needs root."""

    def __init__(self, folder: Path, *, size_mb: int) -> None:
        self._folder = folder
        self._size_mb = size_mb
        self.is_mounted = False

    def mount(self) -> bool:
        """Whether it could be mounted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            options = ("-t", "tmpfs", "-o", f"size={self._size_mb}m", "tmpfs")
            self.is_mounted = _mount(*options, str(self._folder))
        return self.is_mounted

    def unmount(self) -> None:
        """What is on it stays in the folder; lazily: a process may not have let go yet."""
        if not self.is_mounted:
            return
        kept = self._folder.with_name(f"{self._folder.name}.kept")
        shutil.copytree(self._folder, kept, ignore=shutil.ignore_patterns(BALLAST))
        subprocess.run(["umount", "-l", str(self._folder)], check=True)
        self.is_mounted = False
        self._folder.rmdir()
        kept.rename(self._folder)

    def fill(self) -> None:
        """Not a byte is left."""
        with (self._folder / BALLAST).open("ab", buffering=0) as file:
            for size in BLOCKS:
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Undo `fill`."""
        (self._folder / BALLAST).unlink(missing_ok=True)

    def read_only(self) -> None:
        """As a kernel does that found an error; where a file is open for writing, by force."""
        self._remount("ro")

    def writable(self) -> None:
        """Undo `read_only`."""
        self._remount("rw")

    def _remount(self, mode: str) -> None:
        if not _mount("-o", f"remount,{mode}", str(self._folder)):
            raise OSError(errno.EBUSY, f"{self._folder} cannot be remounted {mode}")


class FakeClock:
    """The wall clock of one process, by libfaketime: the monotonic one stays true."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self._library = library
        self.step(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process is started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",  # seconds; it would read the file at each look
        }

    def step(self, seconds: int) -> None:
        """From now on, within a second, it is so far off."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)

    def reset(self) -> None:
        """True again."""
        self.step(0)


def faketime_library() -> Path | None:
    """The library for programs with threads; None where it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0
