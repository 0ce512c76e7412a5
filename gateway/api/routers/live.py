"""The live stream as server-sent events, for as long as the session lasts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.api.callers import Alerted
from gateway.api.parts import Parts, PartsOf
from gateway.api.routers.carriers import log_looks
from gateway.api.shapes import Now
from gateway.api.stream import Watch, sse
from gateway.model import Audience
from gateway.store import people, sessions
from gateway.store.sessions import Session

router = APIRouter(tags=["live"])

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `position` {carrier, feature}, `alert`, and `time` "
        "{now} at the beginning and every 15 s.",
        "content": {"text/event-stream": {}},
    }
}


class _EventStream(StreamingResponse):
    """Ends its subscription with the connection, not when the garbage is collected."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(events, headers={"X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


@router.get("/stream", status_code=200, response_class=_EventStream, responses=_DOCUMENTED)
async def stream(caller: Alerted, parts: PartsOf) -> Response:
    """Positions and alerts of own carriers as they come; devices' alerts for staff.

    Subscribe first, then fetch what was before: so nothing falls between. The rights are read
    again every 15 s, and the stream ends with the session.
    """
    watch = await _watch(parts, caller)
    await log_looks(parts, caller, sorted(set(watch.carriers.values())), "live")
    return _EventStream(_events(parts, caller, watch))


async def _events(parts: Parts, caller: Session, watch: Watch) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    with parts.stream.subscribe(caller.token_hash, watch) as subscription:
        yield sse("time", Now(parts.clock.utc()))
        due = loop.time() + parts.tick_s
        while True:
            try:
                async with asyncio.timeout_at(due):
                    event = await subscription.next()
            except TimeoutError:
                still = await _still(parts, caller, subscription.watch)
                if still is None:
                    return
                subscription.watch = still
                event = sse("time", Now(parts.clock.utc()))
                due = loop.time() + parts.tick_s
            if event is None:
                return
            yield event


async def _still(parts: Parts, caller: Session, before: Watch) -> Watch | None:
    """What the caller may see now; None where the session has ended."""
    session = await parts.database.read(sessions.get, caller.token_hash, now=parts.clock.utc())
    if session is None:
        return None
    watch = await _watch(parts, session)
    new = set(watch.carriers.values()) - set(before.carriers.values())
    await log_looks(parts, session, sorted(new), "live")
    return watch


async def _watch(parts: Parts, caller: Session) -> Watch:
    if caller.user.audience is not Audience.GUARDIAN:
        return Watch(technical=True)
    return Watch(carriers=await parts.database.read(people.carriers_by_tag, caller.user.id))
