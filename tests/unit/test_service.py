"""Notifications to systemd, over real datagram sockets."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service import READY, notify, watchdog_interval_s


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(5)
        yield made


def test_outside_systemd_nothing_is_sent() -> None:
    assert notify(READY, {}) is False


def test_a_state_reaches_the_socket_that_systemd_names(
    receiver: socket.socket, tmp_path: Path
) -> None:
    address = str(tmp_path / "notify")
    receiver.bind(address)
    assert notify("READY=1\nSTATUS=hears 12 receivers", {"NOTIFY_SOCKET": address}) is True
    assert receiver.recv(4096) == b"READY=1\nSTATUS=hears 12 receivers"


def test_an_abstract_socket_is_written_with_an_at_sign(receiver: socket.socket) -> None:
    name = f"machimori-test-{os.getpid()}"
    receiver.bind(f"\0{name}")
    assert notify(READY, {"NOTIFY_SOCKET": f"@{name}"}) is True
    assert receiver.recv(4096) == b"READY=1"


def test_a_socket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "gone")})


def test_the_watchdog_is_fed_twice_as_often_as_it_asks() -> None:
    assert watchdog_interval_s({"WATCHDOG_USEC": "60000000"}) == 30.0


def test_a_watchdog_for_another_process_is_not_ours() -> None:
    allowed = {"WATCHDOG_USEC": "60000000"}
    assert watchdog_interval_s({**allowed, "WATCHDOG_PID": str(os.getpid())}) == 30.0
    assert watchdog_interval_s({**allowed, "WATCHDOG_PID": "1"}) is None
    assert watchdog_interval_s({}) is None
