"""One short look at the broker: who is let in, and what it keeps; for people, not for services."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiomqtt

from gateway.link.broker import password_of, tls_of
from gateway.link.topics import Message
from gateway.settings import BrokerSettings

ANSWER_S = 5.0
_REFUSED = 128  # SUBACK: this and above


class NotReachedError(Exception):
    """The broker was not reached, or lets us not in; the message is its own word for why."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What came within the time, the last of each topic, and the filters that were refused."""

    messages: Mapping[str, Message]
    refused: tuple[str, ...]


async def glance(settings: BrokerSettings, filters: Sequence[str], *, seconds: float) -> Glance:
    """Subscribe to `filters` for so long. Publishes nothing, and has a client id of its own.

    Raises NotReachedError, and SettingsError where a named file cannot be used.
    """
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=f"doctor-{secrets.token_hex(4)}",
        username=settings.username or None,
        password=password_of(settings),
        tls_context=tls_of(settings),
        timeout=ANSWER_S,
    )
    try:
        async with client:
            granted = await client.subscribe([(one, 0) for one in filters])
            refused = tuple(
                one
                for one, code in zip(filters, granted, strict=True)
                if isinstance(code, int) and code >= _REFUSED
            )
            messages: dict[str, Message] = {}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    async for one in client.messages:
                        topic = one.topic.value
                        messages[topic] = Message(topic, bytes(one.payload), one.retain)
    except aiomqtt.MqttError as error:
        raise NotReachedError(str(error)) from error
    return Glance(messages, refused)
