"""One process of Machimori: the roles that the settings name, until a signal ends it.

Each role is an async context of its own with a TaskGroup inside; the roles speak only through the
broker, also here. What one role cannot survive ends the process, and systemd starts it again.
"""

import asyncio
import signal
from collections.abc import Sequence

import structlog

from gateway import __version__
from gateway.clock import Clock
from gateway.model import Role
from gateway.service import READY, STOPPING, WATCHDOG, notify, watchdog_interval_s
from gateway.settings import Settings

_log = structlog.get_logger()


async def run(settings: Settings, roles: Sequence[Role]) -> None:
    """Run `roles` until SIGTERM or SIGINT. Raises UnusableError where one cannot start."""
    clock = Clock(**settings.clock.model_dump())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    _log.info("starting", version=__version__, roles=[str(role) for role in roles])
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(_role(role, settings, clock, stop), name=str(role)) for role in roles
        ]
        notify(READY)
        watchdog = tasks.create_task(_feed_watchdog(stop), name="watchdog")
        await stop.wait()
        notify(STOPPING)
        _log.info("stopping")
        await asyncio.gather(*running, watchdog)


async def _role(role: Role, settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    # Imported here: an edge alone needs neither the web server nor the InfluxDB client in memory.
    try:
        if role is Role.EDGE:
            from gateway.app.edge import Edge

            await Edge(settings, clock).run(stop)
        elif role is Role.HUB:
            from gateway.app.hub import Hub
            from gateway.site import load_site

            await Hub(settings, load_site(settings.site), clock).run(stop)
        else:
            from gateway.app.sink import Sink

            await Sink(settings, clock).run(stop)
    finally:
        stop.set()


async def _feed_watchdog(stop: asyncio.Event) -> None:
    interval_s = watchdog_interval_s()
    while interval_s is not None and not stop.is_set():
        notify(WATCHDOG)
        try:
            await asyncio.wait_for(stop.wait(), timeout=interval_s)
        except TimeoutError:
            continue
