"""Bluetooth controllers outside the machine, on bumble, at the other end of its serial lines.

bumble's own Controller answers nearly all that Linux asks of an LE controller; what is added here
is what decides whether an advert is heard: its RSSI, the filter of duplicates, and the habits of a
controller that also speaks classic Bluetooth, as a Raspberry Pi's.
"""

import asyncio
import socket
import struct
from pathlib import Path
from typing import Self, cast

from bumble import hci
from bumble.controller import Controller
from bumble.transport.common import StreamPacketSink, StreamPacketSource

LEGACY_UNDIRECTED = 0x10  # an extended report of an old ADV_NONCONN_IND
NOT_GIVEN = 0x7F
NO_SET = 0xFF

WIRE_BYTES = 4_096
BEHIND_BYTES = 2_048

# What Linux reads of a dual-mode controller and bumble does not answer; all begin with the status.
CLASSIC_ANSWERS = {
    hci.HCI_READ_BUFFER_SIZE_COMMAND: struct.pack("<BHBHH", 0, 1024, 64, 8, 8),
    hci.HCI_READ_CLASS_OF_DEVICE_COMMAND: bytes(4),
    hci.HCI_READ_LOCAL_NAME_COMMAND: b"\0" + b"simulated".ljust(248, b"\0"),
    hci.HCI_READ_VOICE_SETTING_COMMAND: struct.pack("<BH", 0, 0x0060),
    hci.HCI_READ_NUMBER_OF_SUPPORTED_IAC_COMMAND: bytes((0, 1)),
    hci.HCI_READ_CURRENT_IAC_LAP_COMMAND: b"\0\1" + 0x9E8B33.to_bytes(3, "little"),
    hci.HCI_READ_PAGE_SCAN_ACTIVITY_COMMAND: struct.pack("<BHH", 0, 0x0800, 0x0012),
    hci.HCI_READ_PAGE_SCAN_TYPE_COMMAND: bytes(2),
    hci.HCI_READ_INQUIRY_RESPONSE_TRANSMIT_POWER_LEVEL_COMMAND: bytes(2),
    hci.HCI_READ_STORED_LINK_KEY_COMMAND: bytes(5),
    hci.HCI_DELETE_STORED_LINK_KEY_COMMAND: bytes(3),
}


class RadioController(Controller):
    """A controller that reports each `advert` while the machine has it scan.

    With `duplicates` "address" it reports each address once a scan where it is asked to filter
    duplicates, as many do; with "none" it does not filter whatever it is asked.
    """

    def __init__(self, line: Path, *, address: str, le_only: bool, duplicates: str) -> None:
        super().__init__(line.stem, public_address=address)
        self.line = line
        self.reported = 0
        self.lost = 0
        self._classic = not le_only
        self._by_address = duplicates == "address"
        self._seen: set[bytes] = set()
        self._server: asyncio.Server | None = None
        if self._classic:
            self.lmp_features &= ~hci.LmpFeatureMask.BR_EDR_NOT_SUPPORTED

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Line(self), self.line)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def advert(self, address: str, rssi_dbm: int, data: bytes) -> None:
        """An advert that comes out of the air, of a random static address."""
        if not self.le_scan_enable:
            return
        sender = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
        if self._by_address and self.filter_duplicates:
            if bytes(sender) in self._seen:
                return
            self._seen.add(bytes(sender))
        if self._is_behind():
            self.lost += 1
            return
        self.reported += 1
        report = hci.HCI_LE_Extended_Advertising_Report_Event.Report(
            event_type=LEGACY_UNDIRECTED,
            address_type=sender.address_type,
            address=sender,
            primary_phy=hci.Phy.LE_1M,
            secondary_phy=0,
            advertising_sid=NO_SET,
            tx_power=NOT_GIVEN,
            rssi=rssi_dbm,
            periodic_advertising_interval=0,
            direct_address_type=0,
            direct_address=hci.Address.ANY,
            data=data,
        )
        self.send_hci_packet(hci.HCI_LE_Extended_Advertising_Report_Event([report]))

    def _is_behind(self) -> bool:
        """Whether the machine takes too little. An answer behind many adverts would come too late
        for its kernel, so these are lost, as with a real controller."""
        sink = self.host
        return isinstance(sink, StreamPacketSink) and (
            sink.transport.get_write_buffer_size() > BEHIND_BYTES
        )

    # What the machine's kernel commands; the names are bumble's.

    def on_packet(self, packet: bytes) -> None:
        opcode = int.from_bytes(packet[1:3], "little")
        if self._classic and packet[0] == hci.HCI_COMMAND_PACKET and opcode in CLASSIC_ANSWERS:
            self._complete(opcode, CLASSIC_ANSWERS[opcode])
        else:
            super().on_packet(packet)

    def on_hci_command(self, command: hci.HCI_Command) -> hci.HCI_StatusReturnParameters:
        """What bumble does not know; Linux gives a dual-mode controller up over a refusal."""
        if self._classic:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
        return super().on_hci_command(command)

    def on_hci_reset_command(
        self, command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        self.le_scan_enable = False  # bumble scans on, and a controller plugged in again is busy
        return super().on_hci_reset_command(command)

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._seen.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_set_extended_scan_enable_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._seen.clear()
        return super().on_hci_le_set_extended_scan_enable_command(command)

    def _complete(self, opcode: int, answer: bytes) -> None:
        event = struct.pack("<BBBBH", hci.HCI_EVENT_PACKET, 0x0E, 3 + len(answer), 1, opcode)
        if self.host:
            self.host.on_packet(event + answer)


class _Line(StreamPacketSource):
    """A serial line with the controller at its end."""

    def __init__(self, controller: RadioController) -> None:
        super().__init__()
        self._controller = controller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire: socket.socket = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WIRE_BYTES)
        self.set_packet_sink(self._controller)
        self._controller.host = StreamPacketSink(cast(asyncio.WriteTransport, transport))
