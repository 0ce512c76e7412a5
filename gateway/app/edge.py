"""The edge role: adverts and remote receivers become windows in the outbox, and the link's rows.

    broker ─► remote ─┐
    adapters ─► scan ─┴► Hearing ─► windows, gaps, states ─► Spool ─► Outbox ─► Sender ─► broker
                            │  └► Urgent ─► presses, sealed frames ─► Spool
                            ▲ orders (receivers, buttons, whom to follow) ◄─ Receiver ◄─ broker
    lamps ◄─► buses ◄─► Lighting ─► readings, faults, outcomes ─► Spool
                            ▲ orders (lamps, programs, overrides) ◄─ Receiver

The network being down never stops the capture: store first, then send. Neither capture nor lights
stop where the other fails: each part is begun anew for itself.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog

from gateway import __version__
from gateway.app import learned
from gateway.app.edge_lights import build_lighting
from gateway.app.hearing import Hearing
from gateway.app.lighting import Lighting
from gateway.app.pulse import Pulse
from gateway.app.supervision import keep_going
from gateway.clock import Clock, ClockSetting
from gateway.link.acceptor import Event
from gateway.link.broker import Broker, Presence
from gateway.link.envelope import Status, encode
from gateway.link.orders import Order, OrdersInbox
from gateway.link.outbox import Outbox
from gateway.link.outbox_errors import OutboxError
from gateway.link.receiver import Receiver
from gateway.link.sender import Sender
from gateway.link.spool import Spool
from gateway.link.topics import LaneAddress, Message, Topics
from gateway.model import EdgeOrders
from gateway.settings import Settings
from gateway.tags.scan import Scanner

STATUS_EVERY_S = 10.0
REMEMBER_EVERY_S = 3_600.0
TICK_S = 1.0
CLOSING_DELAY_S = 0.25  # a message of the old second may still be on its way from the broker

_log = structlog.get_logger()


class Edge:
    """One gateway. `run` serves until `stop` is set."""

    def __init__(self, settings: Settings, clock: Clock, pulse: Pulse) -> None:
        self._settings = settings
        self._clock = clock
        self._pulse = pulse
        self._topics = Topics(settings.site_id)
        self._followed: tuple[str, ...] = ()
        self._status = Status(online=True)
        self._counts: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Calls `started` when everything is built.

        Raises OutboxError where the outbox cannot be opened: its message says what to do.
        """
        settings = self._settings
        path = settings.state_path(settings.edge.outbox)
        most = settings.edge.outbox_max_mb * 1_000_000
        async with Outbox(path, max_bytes=most, setting=self._clock_setting) as outbox:
            if outbox.set_aside is not None:
                _log.error("the outbox was damaged and is set aside", file=str(outbox.set_aside))
            await self._serve(outbox, stop, started)

    def _clock_setting(self, heartbeat: float | None) -> ClockSetting:
        """The clock's, which the outbox's own heartbeat may prove wrong."""
        if heartbeat is not None:
            self._clock.not_before(heartbeat)
        return self._clock.setting

    async def _serve(
        self, outbox: Outbox, stop: asyncio.Event, started: Callable[[], None]
    ) -> None:
        edge = self._settings.edge
        broker = self._broker()
        sender = self._sender(broker, outbox)
        spool = Spool(outbox)
        documents = await outbox.documents()
        hearing = Hearing(
            clock=self._clock,
            spool=spool,
            heard_until=_heard_until(outbox),
            lane=sender.lane,
            receiver_timeout_s=edge.receiver_timeout_s,
            usual=learned.read(documents),
        )
        self._clock.on_change(hearing.clock_changed)
        scanner = self._scanner(hearing)
        lighting = build_lighting(
            self._settings, self._clock, spool=spool, lane=sender.lane, documents=documents
        )
        changed: asyncio.Queue[EdgeOrders] = asyncio.Queue(1)
        inbox = OrdersInbox(outbox, on_order=partial(_pass_on, changed, lighting))
        receiver = self._receiver(broker, inbox)
        await self._wire(broker, sender, receiver, hearing)
        await self._resume(inbox, broker, hearing, lighting)
        works = {
            "receiver": receiver.run(),
            "orders": self._obey(changed, broker, hearing),
            "scan": self._keep("scan", scanner.run),
            "urgent": self._keep("urgent", hearing.urgent.store),
            "windows": self._keep("windows", partial(self._tick, hearing, scanner)),
            "learned": self._keep("learned", partial(self._remember, outbox, hearing)),
            "status": self._report(broker, outbox, hearing, scanner, lighting, inbox),
            "sender": sender.run(),
            "broker": broker.run(),
        }
        if lighting is None:
            self._counts["lights_unusable"] = int(bool(edge.buses))
        else:
            works = {"lights": self._keep("lights", lighting.run), **works}
        try:
            await _run(works, stop, started)
        finally:
            await hearing.urgent.store_waiting()
            if lighting is not None:
                await lighting.store_waiting()

    def _scanner(self, hearing: Hearing) -> Scanner:
        return Scanner(
            self._settings.edge.adapters,
            hearing.advert,
            utc=self._clock.utc,
            on_event=hearing.receiver_event,
        )

    async def _resume(
        self, inbox: OrdersInbox, broker: Broker, hearing: Hearing, lighting: Lighting | None
    ) -> None:
        """Go on with the orders of before."""
        for last in await inbox.last():
            if isinstance(last, EdgeOrders):
                await self._follow(last, broker, hearing)
            elif lighting is not None:
                lighting.order(last, stored=True)

    async def _keep(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        await keep_going(name, work, self._counts)

    def _broker(self) -> Broker:
        gateway = self._settings.edge.gateway
        presence = Presence(
            topic=self._topics.gateway_status(gateway),
            online=lambda: encode(self._status),
            offline=encode(Status(online=False)),
        )
        return Broker(settings=self._settings.broker, name=gateway, presence=presence)

    def _sender(self, broker: Broker, outbox: Outbox) -> Sender:
        gateway = self._settings.edge.gateway
        return Sender(
            source=outbox,
            publisher=broker,
            name=gateway,
            topic=partial(self._topics.up, gateway),
            clock=self._clock,
        )

    def _receiver(self, broker: Broker, inbox: OrdersInbox) -> Receiver:
        gateway = self._settings.edge.gateway
        return Receiver(
            inbox=inbox,
            publisher=broker,
            receipt_topic=lambda _hub: self._topics.down_receipt(gateway),
            on_event=_tell_event,
        )

    async def _wire(
        self, broker: Broker, sender: Sender, receiver: Receiver, hearing: Hearing
    ) -> None:
        edge, topics = self._settings.edge, self._topics

        def on_connection(up: bool) -> None:
            sender.connection(up=up)
            hearing.connection(up=up, silent_s=broker.heard_ago_s * self._clock.rate)

        def on_down(message: Message) -> None:
            address = topics.lane_address(message.topic)
            if address is not None:  # our own topic: the broker's ACL lets only the hub write it
                receiver.offer(LaneAddress(edge.hub, address.lane), message.payload)

        broker.on_connection(on_connection)
        await broker.subscribe(
            topics.hub_status(edge.hub), lambda message: sender.receiver_status(message.payload)
        )
        await broker.subscribe(
            topics.up_receipt(edge.gateway), lambda message: sender.receipt(message.payload)
        )
        for lane_topic in topics.down_lanes(edge.gateway):
            await broker.subscribe(lane_topic, on_down)

    async def _obey(
        self, changed: asyncio.Queue[EdgeOrders], broker: Broker, hearing: Hearing
    ) -> None:
        while True:
            await self._follow(await changed.get(), broker, hearing)

    async def _follow(self, orders: EdgeOrders, broker: Broker, hearing: Hearing) -> None:
        """Listen to the receivers that the hub named, and no others."""
        wanted = hearing.follow(orders)
        await broker.unsubscribe_all(set(self._followed) - set(wanted))
        await broker.subscribe_all(set(wanted) - set(self._followed), hearing.message)
        self._followed = wanted
        _log.info("orders taken", receivers=len(orders.receivers), buttons=len(orders.buttons))

    async def _tick(self, hearing: Hearing, scanner: Scanner) -> None:
        while True:
            now = self._clock.utc()
            await asyncio.sleep((TICK_S - now % TICK_S + CLOSING_DELAY_S) / self._clock.rate)
            hearing.running(frozenset(scanner.running))
            await hearing.tell()
            await hearing.close_windows(self._clock.utc() - CLOSING_DELAY_S)
            self._pulse.beat("windows")

    async def _remember(self, outbox: Outbox, hearing: Hearing) -> None:
        """What was learned of the receivers is kept for the next process: a commit an hour."""
        while True:
            await asyncio.sleep(REMEMBER_EVERY_S / self._clock.rate)
            try:
                await outbox.commit_received({}, documents=learned.written(hearing.usual()))
            except OutboxError as error:
                _log.warning("what was learned of receivers is not stored", reason=str(error))

    async def _report(
        self,
        broker: Broker,
        outbox: Outbox,
        hearing: Hearing,
        scanner: Scanner,
        lighting: Lighting | None,
        inbox: OrdersInbox,
    ) -> None:
        while True:
            now = self._clock.utc()
            scans = {f"scan_{name}": count for name, count in scanner.counts.items()}
            counts = broker.counts + hearing.counts + inbox.counts + self._counts + Counter(scans)
            silent_s, problems = hearing.silent_s(), hearing.problems()
            if lighting is not None:
                counts += lighting.counts
                silent_s |= lighting.silent_s()
                problems |= lighting.problems()
            if outbox.set_aside is not None:
                problems["outbox"] = (
                    f"was damaged and set aside: {outbox.set_aside}. Check the card"
                )
            status = Status(
                online=True,
                instance=broker.instance,
                version=__version__,
                at=now,
                synced=self._clock.synced(),
                unpacks=True,
                silent_s=silent_s,
                problems=problems,
                adapters=scanner.statuses(),
                adverts_per_s=hearing.adverts_per_s(),
                counts=dict(counts),
            )
            self._status = await _with_outbox(status, outbox, now)
            await broker.announce()
            await asyncio.sleep(STATUS_EVERY_S)


async def _run(
    works: Mapping[str, Coroutine[Any, Any, None]], stop: asyncio.Event, started: Callable[[], None]
) -> None:
    """All of them until `stop`, then ended in their order: sources first."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(work, name=name) for name, work in works.items()]
        started()
        await stop.wait()
        for task in running:
            task.cancel()


def _heard_until(outbox: Outbox) -> float | None:
    """None of a new outbox; 0 of one that has had rows and does not know until when."""
    if outbox.heartbeat is None and not outbox.epochs.newest.is_first:
        return 0.0
    return outbox.heartbeat


async def _with_outbox(status: Status, outbox: Outbox, now: float) -> Status:
    """A disk that cannot be read is told; the capture goes on."""
    try:
        stats = await outbox.stats()
    except OutboxError as error:
        _log.error("the outbox cannot be counted", reason=str(error))
        return status
    return msgspec.structs.replace(
        status,
        outbox_rows=stats.rows,
        outbox_oldest_s=max(0.0, now - (now if stats.oldest_since is None else stats.oldest_since)),
    )


def _pass_on(changed: asyncio.Queue[EdgeOrders], lighting: Lighting | None, order: Order) -> None:
    if isinstance(order, EdgeOrders):
        _keep_newest(changed, order)
    elif lighting is not None:
        lighting.order(order)


def _keep_newest(waiting: asyncio.Queue[EdgeOrders], orders: EdgeOrders) -> None:
    """Orders are whole, so the newest stand for all that wait."""
    if waiting.full():
        waiting.get_nowait()
    waiting.put_nowait(orders)


def _tell_event(event: Event) -> None:
    _log.warning("the hub began anew, or there are two of one id", hub=event.sender)
