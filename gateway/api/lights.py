"""What the API and the command line know of a site's lights beside the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.api.lamp_map import LampMap, lamp_map
from gateway.lamps import LampType
from gateway.lights.sun import Sky
from gateway.settings import LightSettings
from gateway.site import Site


@dataclass(frozen=True, slots=True)
class Lights:
    """One site's, `site_id` in its topics.

    `changed` is called, on the event loop, after each commit of what edges must know of their
    lamps: programs, calendars, settings, overrides.
    """

    site: Site
    site_id: str
    map: LampMap
    sky: Sky
    types: Mapping[str, LampType]
    settings: LightSettings
    changed: Callable[[], None]


def nothing_to_do() -> None:
    """Nobody needs to be told."""


def lights_of(
    site: Site,
    settings: LightSettings,
    types: Mapping[str, LampType],
    *,
    site_id: str,
    changed: Callable[[], None] = nothing_to_do,
) -> Lights:
    """The lights of `site`."""
    known = lamp_map(site)
    lon, lat = known.middle
    sky = Sky(lon=lon, lat=lat, zone=ZoneInfo(settings.time_zone))
    return Lights(site, site_id, known, sky, types, settings, changed)
