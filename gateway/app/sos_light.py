"""An SOS makes the lamps around it bright: whoever needs help is seen, and sees."""

from collections.abc import Iterator, Sequence

import numpy as np

from gateway.lamps import Authority, Override
from gateway.model import Alert, AlertKind, AlertState, Presence
from gateway.settings import LightSettings
from gateway.site import Site
from gateway.store import lamp_audit, overrides, positions
from gateway.store.database import Connection
from gateway.store.lamp_audit import Act

SCENE = "sos"
FULL_LEVEL = 100.0
KNOWN_FOR_S = 60.0  # a position older than this at the press says less than who heard the press
MINUTE_S = 60.0

Metres = tuple[float, float]


class SosLight:
    """Makes a safety override of each new SOS of which the place is known."""

    def __init__(self, site: Site, settings: LightSettings) -> None:
        self._site = site
        self._settings = settings
        self._lamps = [lamp for lamp in site.lamps if lamp.gateway]
        self._receivers = {one.id: one.xy for one in site.receivers}

    def brighten(self, connection: Connection, told: Sequence[Alert], now: float) -> None:
        """Store the overrides of `told`: in the transaction that raised it.

        They end `sos_minutes` after the press: one that comes later than that lights nothing.
        """
        for alert in told:
            expiration = alert.at + self._settings.sos_minutes * MINUTE_S
            is_new = alert.kind is AlertKind.SOS and alert.state is AlertState.RAISED
            if is_new and expiration > now:
                near = self._near(list(self._places(connection, alert, now)))
                if near:
                    self._light(connection, f"{SCENE}-{alert.id}", near, now, expiration)

    def _light(
        self,
        connection: Connection,
        override_id: str,
        lamps: tuple[str, ...],
        now: float,
        expiration: float,
    ) -> None:
        override = Override(
            id=override_id,
            lamps=lamps,
            level=FULL_LEVEL,
            authority=Authority.SAFETY,
            made_at=now,
            start=now,
            expiration=expiration,
            scene=SCENE,
        )
        overrides.add(connection, override, reason="SOS", by="")
        act = Act(now, "", Authority.SAFETY, "override", override.id, f"SOS: {', '.join(lamps)}")
        lamp_audit.add(connection, act)

    def _places(self, connection: Connection, alert: Alert, now: float) -> Iterator[Metres]:
        """Where the tag was, and who heard the press: the one may be wrong, the other far."""
        if alert.receiver in self._receivers:
            yield self._receivers[alert.receiver]
        last = positions.latest(connection, alert.tag, now=now) if alert.tag else None
        if last is None or last.presence is Presence.OUT_OF_COVERAGE:
            return
        if abs(alert.at - last.at) <= KNOWN_FOR_S:
            ((east, north),) = self._site.to_metres(np.array([[last.lon, last.lat]]))
            yield float(east), float(north)

    def _near(self, places: Sequence[Metres]) -> tuple[str, ...]:
        return tuple(
            lamp.id
            for lamp in self._lamps
            if any(
                np.hypot(lamp.xy[0] - east, lamp.xy[1] - north) <= self._settings.sos_radius_m
                for east, north in places
            )
        )
