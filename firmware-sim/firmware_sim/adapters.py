"""Receivers of the town that are Bluetooth adapters of a gateway: what they hear goes to BlueZ.

The simulated BlueZ runs as a process of its own (`python -m firmware_sim bluez`); adverts are put
into its air through its control port, a line each.
"""

import hashlib
import socket
import time
from collections.abc import Callable, Mapping
from select import select
from types import TracebackType
from typing import Self

import structlog

from firmware_sim.firmware_frames import Frame, Packet
from firmware_sim.nodes import OMG_STATE_S, PHONES_PER_S, Message, RemoteNode, make_node
from firmware_sim.site import Site

log = structlog.get_logger()

RETRY_S, TIMEOUT_S = 2.0, 1.0
PHONE_PERIOD_S, PHONE_DBM = 900.0, -82
APPLE_NEARBY = bytes.fromhex("4c001005")  # "nearby info" of Apple's Continuity, four bytes follow
ANSWERS_BYTES = 65_536


class BluezAir:
    """A connection to the control port of a simulated BlueZ; it mends itself.

    While it is down adverts are counted in `lost`, as a gateway without BlueZ loses them.
    """

    def __init__(
        self, host: str, port: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.sent = self.lost = 0
        self._where = (host, port)
        self._monotonic = monotonic
        self._stream: socket.socket | None = None
        self._retry_at = -float("inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def advert(self, adapter: str, packet: Packet, rssi_dbm: int) -> None:
        """Put an advert into the air of `adapter`, or count it as lost."""
        data = packet.frame.advertising_data().hex()
        line = f"advert {adapter} {packet.address} {rssi_dbm} {data}\n"
        stream = self._connected()
        if stream is None:
            self.lost += 1
            return
        try:
            stream.sendall(line.encode())
            self._take_answers(stream)
        except OSError as error:
            log.warning("simulated BlueZ gone", error=str(error), sent=self.sent)
            stream.close()
            self._stream = None
            self.lost += 1
        else:
            self.sent += 1

    def _connected(self) -> socket.socket | None:
        if self._stream is None and self._monotonic() >= self._retry_at:
            self._retry_at = self._monotonic() + RETRY_S
            try:
                self._stream = socket.create_connection(self._where, timeout=TIMEOUT_S)
            except OSError as error:
                log.warning("simulated BlueZ not reached", where=self._where, error=str(error))
        return self._stream

    def _take_answers(self, stream: socket.socket) -> None:
        """Read what was answered so far, so that it does not wait at the other end."""
        while select([stream], [], [], 0.0)[0]:
            if not stream.recv(ANSWERS_BYTES):
                raise ConnectionResetError("it has closed the connection")


class AdapterNode:
    """A receiver that is an adapter: it hears everything, and says nothing over MQTT.

    It also hears the phones in the houses. While `deaf` nothing reaches it.
    """

    state_s = OMG_STATE_S

    def __init__(self, adapter: str, air: BluezAir) -> None:
        self.deaf = False
        self._adapter = adapter
        self._air = air

    def heard(self, packet: Packet, *, at: float, rssi_dbm: int) -> list[Message]:
        """Nothing to publish: the advert is in the adapter's air."""
        if not self.deaf:
            self._air.advert(self._adapter, packet, rssi_dbm)
        return []

    def pass_second(self, at: float) -> None:
        """A second of the houses' phones; each changes its address after a quarter of an hour."""
        for number in range(0 if self.deaf else PHONES_PER_S):
            period = int((at + 300.0 * number) // PHONE_PERIOD_S)
            drawn = hashlib.sha256(f"{self._adapter} {number} {period}".encode()).digest()
            octets = [0x40 | drawn[0] & 0x3F, *drawn[1:6]]  # a resolvable private address
            address = ":".join(f"{octet:02X}" for octet in octets)
            frame = Frame("", APPLE_NEARBY + drawn[6:10], b"")
            self._air.advert(self._adapter, Packet(address, frame), PHONE_DBM - drawn[10] % 10)

    def born(self) -> list[Message]:
        """Nothing."""
        return []

    def will(self) -> list[Message]:
        """Nothing."""
        return []

    def state(self, *, uptime_s: float) -> list[Message]:
        """Nothing."""
        return []


def make_nodes(
    site: Site, adapters: Mapping[str, str], air: BluezAir | None
) -> dict[str, RemoteNode | AdapterNode]:
    """The firmware of each receiver; those that `adapters` (adapter → receiver) names hear for
    `air`. Raises ValueError.
    """
    local = {receiver: adapter for adapter, receiver in adapters.items()}
    if len(local) < len(adapters):
        raise ValueError("two adapters stand at one receiver")
    if strange := local.keys() - {node.id for node in site.nodes}:
        raise ValueError(f"this site has no receiver {', '.join(sorted(strange))}")
    if local and air is None:
        raise ValueError("adapters need a simulated BlueZ: --bluez HOST:PORT, its control port")
    return {
        node.id: make_node(node)
        if air is None or node.id not in local
        else AdapterNode(local[node.id], air)
        for node in site.nodes
    }
