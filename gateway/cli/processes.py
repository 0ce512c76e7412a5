"""Processes of one run, each with a log file: started in order, ended in the reverse."""

import http.client
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import create_connection
from types import TracebackType
from typing import Self

from gateway.model import UnusableError

LOOK_EVERY_S = 0.2
STOP_WITHIN_S = 15.0


class ProcessError(UnusableError):
    """A process ended, or did not answer, where it should; the message names its log."""


class Processes:
    """`with` ends whatever `start` started, also when something in between raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as ending:  # the last first; each also when Ctrl-C comes again
            for _, process in self._running:
                ending.callback(_end, process)

    def start(self, name: str, command: Sequence[str | Path], **environment: str) -> None:
        """Start `command`; what it writes goes to `{name}.log`. Raises ProcessError.

        `environment` is added to ours.
        """
        try:
            with self.log(name).open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - our own programs, arguments as a list
                    [str(part) for part in command],
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us; we end them in their order
                )
        except OSError as error:
            raise ProcessError(
                f"{name} cannot be started: {error.filename}: {error.strerror}."
            ) from error
        self._running.append((name, process))

    def finish(self, name: str, command: Sequence[str | Path]) -> None:
        """Run `command` to its end. Raises ProcessError where it fails."""
        self.start(name, command)
        _, process = self._running[-1]
        failed = process.wait()
        self._running.pop()
        if failed:
            raise ProcessError(f"{name} failed. See {self.log(name)}.")

    def wait_for_port(self, port: int, *, within_s: float) -> None:
        """Until somebody listens there. Raises ProcessError."""
        self._wait(lambda: _listens(port), f"port {port}", within_s)

    def wait_for_page(self, url: str, *, within_s: float) -> None:
        """Until `url` answers 200. Raises ProcessError."""
        self._wait(lambda: _answers(url), url, within_s)

    def post(self, url: str, *, within_s: float = 30.0) -> None:
        """POST to `url` until it answers 200. Raises ProcessError."""
        self._wait(lambda: _answers(url, body=b""), url, within_s)

    def watch(self) -> None:
        """For ever; raises ProcessError when one of them ends."""
        while True:
            self._look()
            time.sleep(LOOK_EVERY_S)

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self._folder / f"{name}.log"

    def _wait(self, answers: Callable[[], bool], what: str, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not answers():
            self._look()
            if time.monotonic() > deadline:
                raise ProcessError(f"{what} does not answer. See the logs in {self._folder}.")
            time.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        for name, process in self._running:
            if process.poll() is not None:
                raise ProcessError(f"{name} ended by itself. See {self.log(name)}.")


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(url: str, body: bytes | None = None) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, body, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):  # it had its time
            process.wait(STOP_WITHIN_S)
    finally:
        process.kill()  # nothing where it has ended
        process.wait()
