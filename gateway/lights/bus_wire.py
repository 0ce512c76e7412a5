"""One open serial line, one request at a time: pymodbus sends and decodes, this says what counts.

pymodbus takes whatever comes for the answer of the request that waits: a late answer becomes the
next one's, without a word. Three things close that trap. Every chunk of bytes goes through its
trace hook, which lets only a frame pass that answers this very request: unit, function, length,
check sum. After an answer that did not come whole the line is left alone for `quiet_s`, so that a
late one comes while nothing is asked. And nothing is sent before the line was silent for a gap.
"""

import asyncio
import contextlib
import logging
import os
import termios
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)
from pymodbus.transport.serialtransport import SerialTransport

from gateway.cancelling import heed_cancel
from gateway.lights.bus_frames import (
    Expected,
    answer_in,
    answer_to_read,
    answer_to_write,
    judge,
)
from gateway.lights.bus_words import Failure, Line
from gateway.lights.profiles import Block, Write
from gateway.model import UnusableError

# A line on which somebody talks without end never falls silent: then it is asked all the same, and
# what comes back is told as noise.
BABBLE_S = 0.5
OPEN_S = 3.0


class PortError(UnusableError):
    """The serial port cannot be opened; says why, and what to do."""


class Wire:
    """The open port of `line`, as an async context manager. PortError where it does not open.

    `lost` once the adapter is gone; `on_lost` is called then. `counts` gets `late`: answers
    that came in the quiet time, and with a greater `timeout_s` would have been taken.
    """

    def __init__(self, line: Line, *, counts: Counter[str], on_lost: Callable[[], None]) -> None:
        self.lost = False
        self._line = line
        self._counts = counts
        self._on_lost = on_lost
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._expected: Expected | None = None
        self._received = b""
        self._heard_at = 0.0
        self._quiet_until = 0.0
        self._late = False
        self._client = AsyncModbusSerialClient(
            line.device,
            baudrate=line.baud,
            parity=line.parity,
            stopbits=line.stop_bits,
            timeout=OPEN_S,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._on_packet,
            trace_connect=self._on_connect,
        )

    async def __aenter__(self) -> Self:
        # Failures are told here by their causes, and counted: pymodbus would log each as an error.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        try:
            opened = await heed_cancel(self._client.connect())
        except asyncio.CancelledError:
            self._client.close()
            raise
        except termios.error as error:  # it was pulled out while it was opened
            raise PortError(explain(self._line)) from error
        if not opened:
            raise PortError(explain(self._line))
        _hurry(self._client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    async def free(self) -> None:
        """Wait until the line may be used: the quiet time is over, and nothing is on it."""
        latest = max(self._quiet_until, self._now()) + BABBLE_S
        while not self.lost:
            now = self._now()
            wait_s = max(self._quiet_until, self._heard_at + self._line.gap_s) - now
            if wait_s <= 0 or now >= latest:
                return
            await asyncio.sleep(wait_s)

    async def read(self, unit: int, block: Block) -> tuple[int, ...] | Failure:
        """The registers of `block` at `unit`."""
        kind = ReadHoldingRegistersRequest if block.function == 3 else ReadInputRegistersRequest
        request = kind(address=block.address, count=block.count, dev_id=unit)
        answer = await self._exchange(request, answer_to_read(unit, block))
        return answer if isinstance(answer, Failure) else tuple(answer.registers)

    async def write(self, unit: int, write: Write) -> Failure | None:
        """Do `write` at `unit`; None once the node said that it did."""
        kind = WriteSingleRegisterRequest if write.function == 6 else WriteMultipleRegistersRequest
        request = kind(address=write.address, registers=list(write.registers), dev_id=unit)
        answer = await self._exchange(request, answer_to_write(unit, write))
        return answer if isinstance(answer, Failure) else None

    async def _exchange(self, request: ModbusPDU, expected: Expected) -> ModbusPDU | Failure:
        """One request and its answer. After any failure but a refusal the quiet time begins."""
        if self.lost:
            return Failure.BUS_DOWN
        on_the_wire_s = (expected.request_size + expected.size) * self._line.character_s
        self._client.ctx.comm_params.timeout_connect = (
            self._line.timeout_s + on_the_wire_s + self._line.gap_s
        )
        self._expected, self._received = expected, b""
        self._listen_after(on_the_wire_s + self._line.gap_s)
        try:
            answer = await heed_cancel(self._client.execute(False, request))
        except ModbusException:
            waited = self._kept(expected)
            if waited is None:
                failure = Failure.BUS_DOWN if self.lost else judge(self._received, expected)
                self._quiet_until = self._now() + self._line.quiet_s
                self._late = False
                return failure
            answer = waited
        finally:
            self._expected = None
        return Failure.EXCEPTION if answer.isError() else answer

    def _kept(self, expected: Expected) -> ModbusPDU | None:
        """The answer, where it came in time and only this busy process did not come to read it."""
        frame = answer_in(self._received, expected)
        if frame is None:
            return None
        return self._client.ctx.framer.handleFrame(frame, expected.head[0], 0)[1]

    def _listen_after(self, wait_s: float) -> None:
        """Let the kernel keep what comes until the answer can be whole.

        An adapter hands bytes over by ones and twos, and each would wake the loop: that is 25 times
        an answer, and most of what a poll costs.
        """
        transport = self._client.ctx.transport
        if isinstance(transport, SerialTransport) and transport.sync_serial:
            loop = asyncio.get_running_loop()
            loop.remove_reader(transport.sync_serial.fileno())
            loop.call_later(wait_s, _listen, transport)

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        """What pymodbus may see of `data`: all that goes out, and of what came in (everything
        since the request) only the answer."""
        if sending:
            return data
        self._heard_at = self._now()
        if self._expected is None:
            if self._heard_at < self._quiet_until and not self._late:
                self._late = True
                self._counts["late"] += 1
            return b""
        self._received = data
        return answer_in(data, self._expected) or b""

    def _on_connect(self, connected: bool) -> None:
        if not connected:
            self.lost = True
            self._on_lost()


def _hurry(client: AsyncModbusSerialClient) -> None:
    """Have a USB adapter hand bytes over at once: FTDI's keep them for 16 ms by default."""
    transport = client.ctx.transport
    if isinstance(transport, SerialTransport):
        with contextlib.suppress(ValueError):  # an adapter that knows no such mode keeps none back
            transport.sync_serial.set_low_latency_mode(True)


def _listen(transport: SerialTransport) -> None:
    if transport.sync_serial:  # else it was closed meanwhile
        transport.loop.add_reader(transport.sync_serial.fileno(), transport.intern_read_ready)


def explain(line: Line) -> str:
    """Why the port of `line` does not open, and what to do; pymodbus keeps the reason to itself."""
    device = Path(line.device)
    where = f"bus {line.name}: {line.device}"
    if not device.exists():
        return (
            f"{where} is not there: plug the adapter in, or set edge.buses.{line.name}.device to "
            "one of /dev/serial/by-id/"
        )
    if not device.is_char_device():
        return f"{where} is no serial port: set edge.buses.{line.name}.device to one"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"{where} may not be opened by this user: add it to the group dialout"
    return (
        f"{where} does not open: another program holds it (see fuser -v {line.device}), "
        "or it is no serial port"
    )
