"""The sink role: rows from the hub become lines in InfluxDB, and only then receipts.

It stores nothing. While InfluxDB is away a commit waits, so no receipt goes out, the hub keeps its
rows, and after a restart it sends them again; a point written twice is one point.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.clock import Clock
from gateway.lamps import LampEvent, LampReading
from gateway.link.acceptor import Event
from gateway.link.broker import Broker
from gateway.link.envelope import Envelope, Item, Kind, Stream, decode_items, encode_items
from gateway.link.receiver import Receiver
from gateway.link.topics import Message, Topics
from gateway.model import (
    Alert,
    GatewayHealth,
    Lane,
    Position,
    ReceiverHealth,
    Rejected,
)
from gateway.outputs.delivery import Delivery, LineWriter
from gateway.outputs.influx import influx_writer, secret_of
from gateway.outputs.lines import (
    alert_line,
    gateway_line,
    lamp_event_line,
    lamp_line,
    position_line,
    receiver_line,
)
from gateway.outputs.quarantine import Quarantine
from gateway.settings import Settings

COMMIT_S = 2.0  # large requests are what InfluxDB is quick with; the hub repeats rows after 5 s
BYTES_A_PART = 1_000_000  # of items: some 4,500 positions, which go in one request

_log = structlog.get_logger()


class Sink:
    """One process's sink; `run` connects to the broker and to InfluxDB, whichever is there."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._topics = Topics(settings.site_id)
        self._broker = Broker(settings=settings.broker, name="sink")

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Take rows until `stop`. Raises SettingsError where a named file cannot be used."""
        influx = self._settings.sink.influx
        writer = influx_writer(influx, secret=secret_of(influx))
        async with writer:
            receiver = self._receiver(writer)
            await self._subscribe(receiver)
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._broker.run(), name="sink broker"),
                    tasks.create_task(receiver.run(), name="sink receiver"),
                ]
                started()
                await stop.wait()
                for task in running:
                    task.cancel()

    def _receiver(self, writer: LineWriter) -> Receiver:
        sink = self._settings.sink
        quarantine = Quarantine(
            self._settings.state_path(sink.quarantine),
            max_bytes=sink.quarantine_max_mb * 1_000_000,
            keep_s=sink.influx.retention_days * 86_400.0,
        )
        delivery = Delivery(writer, quarantine, clock=self._clock)
        return Receiver(
            inbox=SinkInbox(delivery, site=self._settings.site_id),
            publisher=self._broker,
            receipt_topic=self._topics.out_receipt,
            on_event=_tell,
            commit_s=COMMIT_S,
        )

    async def _subscribe(self, receiver: Receiver) -> None:
        def take(message: Message) -> None:
            address = self._topics.lane_address(message.topic)
            if address is not None:
                receiver.offer(address, message.payload)

        for lane in Lane:
            await self._broker.subscribe(self._topics.out(self._settings.sink.hub, lane), take)


class SinkInbox:
    """Commits rows to InfluxDB: `commit` returns once every line is accepted or quarantined.

    `counts`: positions, alerts, lamp_readings, lamp_events, gateways, receivers, and each reason
    for which something was set aside unwritten.
    """

    def __init__(self, delivery: Delivery, *, site: str) -> None:
        self.counts: Counter[str] = Counter()
        self._delivery = delivery
        self._site = site

    async def marks(self) -> None:
        """None: the hub's `first` says where to begin."""

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        """Write a batch, urgent rows first. Waits for as long as InfluxDB takes nothing.

        Lines are made in a thread, the next while the last are on their way: rows after an outage
        come by ten thousands of lines.
        """
        parts = _parts(batch)
        async with asyncio.TaskGroup() as tasks:
            making = [self._make(tasks, part) for part in parts[:1]]
            for number in range(len(parts)):
                lines = await making.pop()
                if number + 1 < len(parts):
                    making.append(self._make(tasks, parts[number + 1]))
                await self._write(lines)

    def _make(self, tasks: asyncio.TaskGroup, rows: Sequence[Envelope]) -> "asyncio.Task[_Lines]":
        return tasks.create_task(asyncio.to_thread(_lines, rows, self._site), name="sink lines")

    async def _write(self, lines: "_Lines") -> None:
        await self._delivery.deliver(lines.good)
        for text, reason in lines.unwritable:
            await self._delivery.quarantine([text], reason=reason)
        self.counts.update(lines.counts)
        if lines.unwritable:
            reasons = sorted({reason for _, reason in lines.unwritable})
            _log.error(
                "items that cannot be lines are in the quarantine",
                items=len(lines.unwritable),
                reasons=reasons,
            )


@dataclass(slots=True)
class _Lines:
    good: list[str] = field(default_factory=list)
    unwritable: list[tuple[str, str]] = field(default_factory=list)  # JSON, reason
    counts: Counter[str] = field(default_factory=Counter)

    def set_aside(self, items: bytes, rejected: Rejected) -> None:
        self.unwritable.append((items.decode(errors="replace"), rejected.reason))
        self.counts[rejected.reason] += 1


def _parts(batch: Sequence[Envelope]) -> list[list[Envelope]]:
    """Urgent rows, then the others, in parts of some thousand lines.

    The first is small, for nothing is on its way while its lines are made.
    """
    parts: list[list[Envelope]] = []
    for is_urgent in (True, False):
        room = 0
        for row in batch:
            if (row.lane is Lane.URGENT) is is_urgent:
                if room <= 0:
                    parts.append([])
                    room = BYTES_A_PART if len(parts) > 1 else BYTES_A_PART // 4
                parts[-1].append(row)
                room -= len(bytes(row.items))
    return parts


def _lines(rows: Sequence[Envelope], site: str) -> _Lines:
    lines = _Lines()
    for row in rows:
        if row.kind == Kind.GAP:  # a hole in the hub's rows; InfluxDB shows it by having no points
            continue
        items = decode_items(row)
        if isinstance(items, Rejected):
            lines.set_aside(bytes(row.items), items)
            continue
        for item in items:
            line = _line(item, site)
            if isinstance(line, str):
                lines.good.append(line)
            else:
                lines.set_aside(encode_items([item]), line)
                lines.counts[row.kind] -= 1
        lines.counts[row.kind] += len(items)
    return lines


def _line(item: Item, site: str) -> str | Rejected:
    match item:
        case Position():
            return position_line(item, site=site)
        case Alert():
            return alert_line(item, site=site)
        case LampReading():
            return lamp_line(item, site=site)
        case LampEvent():
            return lamp_event_line(item, site=site)
        case GatewayHealth():
            return gateway_line(item, site=site)
        case ReceiverHealth():
            return receiver_line(item, site=site)
    return Rejected("not_for_the_sink")


def _tell(event: Event) -> None:
    _log.warning(
        "the hub's rows begin anew, or two hubs share one id",
        what=type(event).__name__,
        hub=event.sender,
    )
