"""What the hub tells an edge about its lamps: two whole documents, each sent when it changes."""

import msgspec

from gateway.lamps import LampOrder, LampType, Override
from gateway.lights.documents import Calendar, Program


class LightOrders(msgspec.Struct, frozen=True):
    """All that an edge needs to run its lamps without a hub, but for what people say meanwhile.

    `version` grows with each change of the hub's programs, calendars or assignments. `lon`, `lat`
    (degrees) and `time_zone` are the site's, for the sun and the clocks.
    """

    version: int
    time_zone: str
    lon: float
    lat: float
    lamps: tuple[LampOrder, ...]
    types: tuple[LampType, ...]
    programs: tuple[Program, ...]
    calendars: tuple[Calendar, ...]


class Overrides(msgspec.Struct, frozen=True):
    """Every override that has not expired, for this edge's lamps: what is not in it is over."""

    overrides: tuple[Override, ...]
