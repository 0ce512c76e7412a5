"""One process of Machimori: the roles that the settings name, until a signal ends it.

Each role is an async context of its own with a TaskGroup inside; the roles speak only through the
broker, also here. What one role cannot survive ends the process, and systemd starts it again.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from gateway import __version__
from gateway.app.pulse import Pulse
from gateway.clock import Clock
from gateway.model import Role
from gateway.service import READY, STOPPING, WATCHDOG, notify, watchdog_interval_s
from gateway.settings import Settings, SettingsError

CLOCK_EVERY_S = 1.0

# At each system call the event loop gives way to threads that compute, and has the interpreter back
# after so long: with Python's 5 ms an SOS waits longer for that than for the disk.
THREADS_SWITCH_S = 0.0005

_log = structlog.get_logger()


class Service(Protocol):
    """A role, built."""

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Serve until `stop` is set; call `started` once, when everything is built."""


async def run(settings: Settings, roles: Collection[Role]) -> None:
    """Run `roles` until SIGTERM or SIGINT. Raises UnusableError where one cannot start."""
    sys.setswitchinterval(THREADS_SWITCH_S)
    clock, pulse = Clock(**settings.clock.model_dump()), Pulse()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    _log.info("starting", version=__version__, roles=[str(role) for role in roles])
    _make(settings.state_dir)
    services = {role: _build(role, settings, clock=clock, pulse=pulse) for role in roles}
    await serve(services, clock=clock, stop=stop, pulse=pulse)
    _log.info("stopped")


def _make(state_dir: Path) -> None:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"state_dir: {state_dir} cannot be made ({error.strerror}). Name a folder that the "
            "service's user may write."
        ) from error


def _build(role: Role, settings: Settings, *, clock: Clock, pulse: Pulse) -> Service:
    # Imported here: an edge alone needs neither the web server nor the InfluxDB client in memory.
    if role is Role.EDGE:
        from gateway.app.edge import Edge

        return Edge(settings, clock, pulse)
    if role is Role.HUB:
        from gateway.app.hub import build_hub

        return build_hub(settings, clock, pulse)
    from gateway.app.sink import Sink

    return Sink(settings, clock)


async def serve(
    services: Mapping[Role, Service], *, clock: Clock, stop: asyncio.Event, pulse: Pulse
) -> None:
    """Run `services` until `stop` is set, or one of them ends: then all do."""
    starting = set(services)

    def started(role: Role) -> None:
        starting.discard(role)
        if not starting:
            notify(READY)

    async with asyncio.TaskGroup() as tasks:
        for role, service in services.items():
            until_stopped = _until_stopped(service, stop, partial(started, role))
            tasks.create_task(until_stopped, name=str(role))
        tasks.create_task(_feed_watchdog(pulse, stop), name="watchdog")
        tasks.create_task(_keep_time(clock, stop), name="clock")
        await stop.wait()
        notify(STOPPING)
        _log.info("stopping")


async def _until_stopped(
    service: Service, stop: asyncio.Event, started: Callable[[], None]
) -> None:
    try:
        await service.run(stop, started)
    finally:
        stop.set()


async def _feed_watchdog(pulse: Pulse, stop: asyncio.Event) -> None:
    interval_s = watchdog_interval_s()
    while interval_s is not None and not stop.is_set():
        standing = pulse.standing()
        if standing:
            _log.error("the watchdog is not fed: a loop stands still", loops=standing)
        else:
            notify(WATCHDOG)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):  # wait_for of 3.11 can swallow a cancellation
                await stop.wait()


async def _keep_time(clock: Clock, stop: asyncio.Event) -> None:
    while not stop.is_set():
        clock.look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOCK_EVERY_S):
                await stop.wait()
