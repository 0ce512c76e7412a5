"""The connection to the MQTT broker: comes back for ever, subscribes again, says that we are here.

A PUBACK promises nothing (a killed broker loses what it acknowledged), so sessions are clean and
the receipts of `receiver.py` are what counts. Handlers are synchronous and must not block.
"""

import asyncio
import contextlib
import math
import secrets
import socket
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import aiomqtt
import structlog
from paho.mqtt.matcher import MQTTMatcher

from gateway.cancelling import cancellations, heed_cancel, stop_if_cancelled
from gateway.link.topics import Message
from gateway.settings import BrokerSettings, SettingsError

Handler = Callable[[Message], None]

MAX_QUEUED = 5_000
MAX_IN_FLIGHT = 100
KEEPALIVE_S = 10
ANSWER_S = 3.0  # to CONNECT and SUBSCRIBE: a connection that is reset before is told by nothing
PUBACK_S = 10.0  # beyond, the broker has not taken it
FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 3.0  # what is urgent waits no longer when the broker is back
FAREWELL_S = 2.0
FILTERS_A_PACKET = 100
_REFUSED = 128  # SUBACK: this and above
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Presence:
    """The retained status of this process: `online` makes it anew, `offline` is the last will."""

    topic: str
    online: Callable[[], bytes]
    offline: bytes


class Broker:
    """`name` begins the client id; the rest is random, so that two never kick each other off.

    `counts`: connected, lost, received, unhandled, queue_full, refused.
    """

    def __init__(
        self, *, settings: BrokerSettings, name: str, presence: Presence | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.instance = secrets.token_hex(4)
        self._settings = settings
        self._name = name
        self._presence = presence
        self._handlers: dict[str, Handler] = {}
        self._by_topic = MQTTMatcher()  # the same, to be found by topic: an edge has hundreds
        self._watchers: list[Callable[[bool], None]] = []
        self._client: aiomqtt.Client | None = None
        self._waiting: set[asyncio.Timeout] = set()
        self._serving: asyncio.Timeout  # of the present connection
        self._heard_at = time.monotonic()
        self._said = ""

    @property
    def connected(self) -> bool:
        """Whether `publish` has somebody to give to."""
        return self._client is not None

    @property
    def heard_ago_s(self) -> float:
        """Seconds since the broker last said anything, also on a connection that was lost.

        A connection that broke without a word is noticed late: what came meanwhile is lost.
        """
        return time.monotonic() - self._heard_at

    def on_connection(self, watcher: Callable[[bool], None]) -> None:
        """Call `watcher` with true when subscribed on a new connection, false when it is lost."""
        self._watchers.append(watcher)

    async def subscribe(self, topic_filter: str, handler: Handler) -> None:
        """Hand each message that matches to `handler`, on this connection and all later ones."""
        await self.subscribe_all((topic_filter,), handler)

    async def subscribe_all(self, topic_filters: Iterable[str], handler: Handler) -> None:
        """`subscribe` for many filters at once."""
        wanted = tuple(topic_filters)
        for topic_filter in wanted:
            self._handlers[topic_filter] = self._by_topic[topic_filter] = handler
        if self._client is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # lost: the next connection subscribes
                await self._subscribe(self._client, wanted)

    async def unsubscribe_all(self, topic_filters: Iterable[str]) -> None:
        """Undo `subscribe_all`."""
        unwanted = [one for one in topic_filters if self._handlers.pop(one, None) is not None]
        for topic_filter in unwanted:
            del self._by_topic[topic_filter]
        if self._client is not None and unwanted:
            with contextlib.suppress(aiomqtt.MqttError):  # lost: and with it the subscription
                await heed_cancel(self._client.unsubscribe(unwanted))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """QoS 1. True where the broker has taken it; false where there is no connection.

        Calls started in order are sent in order, also while others wait for the broker.
        """
        client = self._client
        if client is None:
            return False
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PUBACK_S) as waiting:
                self._waiting.add(waiting)
                sent = client.publish(topic, payload, qos=1, retain=retain, timeout=math.inf)
                await sent  # with a time-out of its own aiomqtt makes a task for each message
        except aiomqtt.MqttError:
            return False
        except TimeoutError:
            if client is self._client and self._heard_at < begun:
                _end(self._serving)
            return False
        finally:
            self._waiting.discard(waiting)
        self._heard_at = time.monotonic()
        return True

    async def announce(self) -> None:
        """Publish the status again: what it says has changed."""
        if self._presence is not None:
            await self.publish(self._presence.topic, self._presence.online(), retain=True)

    async def run(self) -> None:
        """Stay connected until cancelled. Raises SettingsError where a named file is unusable."""
        password, tls = password_of(self._settings), tls_of(self._settings)
        delay_s = FIRST_DELAY_S
        cancelled_before = cancellations()
        while True:
            connected_before = self.counts["connected"]
            try:
                async with self._new_client(password, tls) as client:
                    stop_if_cancelled(before=cancelled_before)
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                self._tell(str(error))
            stop_if_cancelled(before=cancelled_before)
            if self.counts["connected"] > connected_before:
                delay_s = FIRST_DELAY_S
            await asyncio.sleep(delay_s * self._spread())
            delay_s = min(LONGEST_DELAY_S, delay_s * 2)

    def _new_client(self, password: str | None, tls: ssl.SSLContext | None) -> aiomqtt.Client:
        will = None
        if self._presence is not None:
            will = aiomqtt.Will(self._presence.topic, self._presence.offline, qos=1, retain=True)
        client = aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            identifier=f"{self._name}-{self.instance}",
            username=self._settings.username or None,
            password=password,
            tls_context=tls,
            will=will,
            clean_session=True,
            timeout=ANSWER_S,
            keepalive=KEEPALIVE_S,
            max_inflight_messages=MAX_IN_FLIGHT,
            max_queued_incoming_messages=MAX_QUEUED,
            queue_type=_queue_type(self._take, self.counts),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # no press waits 40 ms
        )
        # One that ends while we wait for its SUBACK leaves an error that aiomqtt never asks for.
        client._disconnected.add_done_callback(_retrieve)
        client.pending_calls_threshold = 10 * MAX_IN_FLIGHT  # it warns above; senders bound theirs
        return client

    async def _serve(self, client: aiomqtt.Client) -> None:
        await self._subscribe(client, tuple(self._handlers))
        if self._presence is not None:
            await self._subscribe(client, (self._presence.topic,))
            await self._say_online(client, self._presence)
        self.counts["connected"] += 1
        _log.info("broker connected", host=self._settings.host, port=self._settings.port)
        self._said = ""
        self._heard_at = time.monotonic()
        self._client = client
        self._notify(up=True)
        try:
            await self._handle_messages(client)
        except asyncio.CancelledError:
            self._client = None
            await self._say_farewell(client)
            raise
        finally:
            self._client = None
            self._end_waiting()
            self.counts["lost"] += 1
            self._notify(up=False)

    async def _handle_messages(self, client: aiomqtt.Client) -> None:
        """Until the connection ends, or says nothing any more. Raises MqttError."""
        try:
            async with asyncio.timeout(None) as self._serving:
                async for _ in client.messages:  # they are handled in the queue: `_queue_type`
                    pass
        except TimeoutError as error:
            if not self._serving.expired():
                raise
            raise aiomqtt.MqttError("the broker says nothing any more") from error

    def _end_waiting(self) -> None:
        """No PUBACK comes on a lost connection; aiomqtt would wait 10 s for each."""
        for waiting in self._waiting:
            _end(waiting)

    async def _subscribe(self, client: aiomqtt.Client, topic_filters: Sequence[str]) -> None:
        for begin in range(0, len(topic_filters), FILTERS_A_PACKET):
            some = topic_filters[begin : begin + FILTERS_A_PACKET]
            granted = await heed_cancel(client.subscribe([(one, 1) for one in some]))
            for topic_filter, code in zip(some, granted, strict=True):
                if isinstance(code, int) and code >= _REFUSED:
                    self._tell_refused(topic_filter)

    def _tell_refused(self, topic_filter: str) -> None:
        self.counts["refused"] += 1
        _log.error(
            "broker refuses a subscription; allow it in the broker's ACL",
            topic_filter=topic_filter,
            username=self._settings.username,
        )

    async def _take(self, message: aiomqtt.Message) -> None:
        self.counts["received"] += 1
        self._heard_at = time.monotonic()
        topic, payload = message.topic.value, bytes(message.payload)
        if self._presence is not None and topic == self._presence.topic:
            await self._answer_will(payload)
        told = Message(topic=topic, payload=payload, retained=message.retain)
        handled = False
        for handler in self._by_topic.iter_match(topic):
            handler(told)
            handled = True
        self.counts["unhandled"] += not handled

    async def _answer_will(self, payload: bytes) -> None:
        """The will of a dead connection may come after its successor's status: say it again."""
        if self._presence is not None and payload == self._presence.offline:
            await self.announce()

    async def _say_online(self, client: aiomqtt.Client, presence: Presence) -> None:
        said = client.publish(presence.topic, presence.online(), qos=1, retain=True)
        await heed_cancel(said)

    async def _say_farewell(self, client: aiomqtt.Client) -> None:
        if self._presence is None:
            return
        with contextlib.suppress(aiomqtt.MqttError):  # then the broker sends the will
            await client.publish(
                self._presence.topic, self._presence.offline, qos=1, retain=True, timeout=FAREWELL_S
            )

    def _notify(self, *, up: bool) -> None:
        for watcher in self._watchers:
            watcher(up)

    def _tell(self, reason: str) -> None:
        """One message per cause, not one per attempt."""
        if reason == self._said:
            return
        self._said = reason
        _log.warning(
            "broker not reached; everything is kept and sent later. "
            "Check that it runs, and [broker] in the settings",
            host=self._settings.host,
            port=self._settings.port,
            reason=reason,
        )

    def _spread(self) -> float:
        """0.75 to 1.25, one for each instance: a city's gateways do not come back all at once."""
        return 0.75 + 0.5 * int(self.instance[:2], 16) / 255


def _queue_type(
    take: Callable[[aiomqtt.Message], Awaitable[None]], counts: Counter[str]
) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue that is its own consumer, as `client.messages` makes a task for each message.

    So the iterator yields nothing: its one task hands every message to `take`, in order, until the
    connection ends, which the iterator raises, as it does what `take` raises. aiomqtt drops what
    arrives at a full queue in silence; here it is counted.
    """

    class HandlingQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            counts["queue_full"] += self.full()
            super().put_nowait(item)

        async def get(self) -> NoReturn:
            while True:
                await take(await super().get())

    return HandlingQueue


def _end(timeout: asyncio.Timeout) -> None:
    """Let it expire now, where it has not."""
    if not timeout.expired():
        timeout.reschedule(0.0)


def _retrieve(ended: asyncio.Future[None]) -> None:
    if not ended.cancelled():
        ended.exception()


def password_of(settings: BrokerSettings) -> str | None:
    """The password in the file that is named. Raises SettingsError."""
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"broker.password_file: {settings.password_file} cannot be read ({error}). "
            "Create it, or remove the key."
        ) from error


def tls_of(settings: BrokerSettings) -> ssl.SSLContext | None:
    """With the certificates that are named. Raises SettingsError."""
    if settings.ca_file is None and settings.cert_file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"broker.ca_file, cert_file, key_file: cannot be used ({error}). "
            "Give PEM files that the service may read."
        ) from error
    return context
