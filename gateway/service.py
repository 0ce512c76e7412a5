"""What a service tells systemd: ready, alive, stopping (sd_notify(3)), without a library.

Outside systemd, where NOTIFY_SOCKET is not set, nothing is sent and there is no watchdog.
"""

import os
import socket
from collections.abc import Mapping

READY = "READY=1"
WATCHDOG = "WATCHDOG=1"
STOPPING = "STOPPING=1"


def notify(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send `state` ("READY=1", "STATUS=…"; several as lines) to systemd; False where there is none.

    Raises OSError where systemd named a socket that does not take it: a unit without its
    notifications would be killed later, without a reason that anybody could see.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # the abstract name space, whose names begin with a zero byte
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect(address)
        sender.sendall(state.encode())
    return True


def watchdog_interval_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often to send WATCHDOG: half of what the unit allows; None where none is set for us."""
    allowed_us = environment.get("WATCHDOG_USEC", "")
    meant_for = environment.get("WATCHDOG_PID", "")
    if not allowed_us.isdecimal() or meant_for not in {"", str(os.getpid())}:
        return None
    return int(allowed_us) / 2_000_000
