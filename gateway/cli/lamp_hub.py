"""What the lamp commands share: the hub's database as a guest, the site's lamps, local times."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gateway.api.lights import Lights, lights_of
from gateway.clock import Clock
from gateway.lights.profiles import load_types
from gateway.model import UnusableError
from gateway.settings import Settings, load_settings
from gateway.site import load_site
from gateway.store.database import Database

T = TypeVar("T")


class LampError(UnusableError):
    """What was asked of lamps cannot be done; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LampHub:
    """The hub of a configuration, which may be running: it takes up by itself what is changed."""

    settings: Settings
    lights: Lights
    clock: Clock

    def work(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Do `work` with the hub's database."""
        path = self.settings.state_path(self.settings.hub.database)

        async def inside() -> T:
            async with Database(path, owner=False) as database:
                return await work(database)

        return asyncio.run(inside())

    def known(self, lamp: str) -> str:
        """`lamp`, which must be of the site. Raises LampError."""
        if lamp not in self.lights.map.lamps:
            raise LampError(f"There is no lamp {lamp}. `machimori lamp list` has them all.")
        return lamp

    def local(self, at: float | None, form: str = "%m-%d %H:%M:%S") -> str:
        """A time by the site's clocks."""
        if at is None:
            return "–"
        return datetime.fromtimestamp(at, self.lights.sky.zone).strftime(form)

    def minute(self, at: float) -> str:
        """The nearest minute by the site's clocks, as reasons tell sunset and sunrise."""
        return self.local(at + 30.0, "%m-%d %H:%M")


def open_hub(config: Path) -> LampHub:
    """The hub of `config`. Raises SettingsError, SiteError and ProfileError."""
    settings = load_settings(config)
    site = load_site(settings.site)
    types = load_types(settings.lamps)
    lights = lights_of(site, settings.hub.lights, types, site_id=settings.site_id)
    return LampHub(settings, lights, Clock(**settings.clock.model_dump()))
