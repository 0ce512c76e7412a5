"""The lights of an edge, built: nothing where it has no buses, and never in the way of the tags."""

import time
from collections.abc import Callable, Mapping

import structlog

from gateway.app.lamp_rows import LampRows, RowStore, open_events
from gateway.app.lighting import Lighting
from gateway.clock import Clock
from gateway.lights.bus import Bus
from gateway.lights.bus_words import Commanded, Line, Polled
from gateway.lights.profiles import ProfileError, load_profiles
from gateway.model import Lane
from gateway.settings import Settings

_log = structlog.get_logger()


def build_lighting(
    settings: Settings,
    clock: Clock,
    *,
    spool: RowStore,
    lane: Callable[[], Lane],
    documents: Mapping[str, bytes],
) -> Lighting | None:
    """None where no bus is named, or where there are no register maps: that is told. One map that
    cannot be used is told, and leaves only its own lamps to themselves.
    """
    buses = settings.edge.buses
    if not buses:
        return None
    try:
        profiles = load_profiles(settings.lamps, on_unusable=_tell_unusable)
    except ProfileError as error:
        _log.error("the lamps are left to themselves", reason=str(error))
        return None

    def open_bus(
        name: str,
        *,
        on_polled: Callable[[Polled], None],
        on_commanded: Callable[[Commanded], None],
    ) -> Bus:
        line = Line(name=name, **buses[name].model_dump())
        return Bus(
            line,
            (),
            on_polled=on_polled,
            on_commanded=on_commanded,
            utc=clock.utc,
            monotonic=time.monotonic,  # a wire is not simulated faster than it is
        )

    return Lighting(
        buses=tuple(buses),
        open_bus=open_bus,
        profiles=profiles,
        clock=clock,
        monotonic=time.monotonic,
        rows=LampRows(spool, lane=lane, setting=lambda: clock.setting),
        watchdog_s=settings.edge.lamp_watchdog_s,
        open_events=open_events(documents),
    )


def _tell_unusable(error: ProfileError) -> None:
    _log.error("the lamps of a register map are left to themselves", reason=str(error))
