"""Real services for the integration tests, each an instance of its own on a free port."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need
from tests.ports import free_ports

START_S = 10.0


class Mosquitto:
    """A broker of our own: clean at each start, as one that was killed."""

    def __init__(self, program: str, folder: Path) -> None:
        self.host = "127.0.0.1"
        (self.port,) = free_ports(1)
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it takes connections."""
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\n"
            "allow_anonymous true\n"
            "max_queued_messages 100000\n"
            "max_inflight_messages 100\n",
            encoding="utf-8",
        )
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(config)], stdout=log, stderr=subprocess.STDOUT
            )
        ends = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                log_text = (self._folder / "mosquitto.log").read_text(encoding="utf-8")
                raise RuntimeError(f"mosquitto did not start: {log_text}")
            time.sleep(0.02)

    def pause(self) -> None:
        """It takes what comes, and answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on after a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut: nothing is said to anybody, nothing is written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True


@pytest.fixture
def stopped_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that is not there yet."""
    broker = Mosquitto(need("mosquitto"), tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def mosquitto(stopped_mosquitto: Mosquitto) -> Mosquitto:
    """A broker that runs; `kill()` and `start()` as often as you like."""
    stopped_mosquitto.start()
    return stopped_mosquitto
