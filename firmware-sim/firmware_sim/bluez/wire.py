"""What dbus-fast leaves to us: a socket that may be full, and the messages that we send."""

import socket
from typing import Any

from dbus_fast import Message, MessageFlag
from dbus_fast.aio import MessageBus

BUS = "org.freedesktop.DBus"


class _PatientSocket:
    """Says that nothing went where a socket is full: dbus-fast 5.2 takes the exception for the end
    of the bus."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def send(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0


async def connect(address: str) -> MessageBus:
    """A connection to the bus at `address` that a full socket does not end. Raises OSError."""
    bus = await MessageBus(bus_address=address).connect()
    writer: Any = bus._writer
    writer.sock = _PatientSocket(writer.sock)
    return bus


def call(destination: str, path: str, interface: str, member: str, *body: str) -> Message:
    """A call whose arguments are strings; without any, no answer is awaited."""
    return Message(
        destination=destination,
        path=path,
        interface=interface,
        member=member,
        signature="s" * len(body),
        body=list(body),
        flags=MessageFlag.NONE if body else MessageFlag.NO_REPLY_EXPECTED,
    )


def call_bus(member: str, rule: str) -> Message:
    """A call of the bus itself, about a rule for signals."""
    return call(BUS, "/org/freedesktop/DBus", BUS, member, rule)
