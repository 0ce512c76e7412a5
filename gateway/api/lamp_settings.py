"""What is set for lamps: whose calendar they follow, and their own limits for faults."""

from collections.abc import Sequence

from gateway.api.lamp_commands import CommandError, Giver, note
from gateway.api.lamp_wishes import SettingsWish
from gateway.api.lights import Lights
from gateway.lights.limits import LimitsError, limits_of
from gateway.store import lamps, light_documents
from gateway.store.database import Connection
from gateway.store.lamps import LampSettings
from gateway.store.light_documents import DocumentKind


class NoCalendarError(CommandError):
    """There is no calendar of that id."""


def change(
    connection: Connection,
    lights: Lights,
    lamp: str,
    wish: SettingsWish,
    giver: Giver,
    *,
    now: float,
) -> None:
    """Set what `wish` gives of `lamp`, which is of the site. Raises CommandError."""
    before = lamps.settings(connection).get(lamp, LampSettings())
    calendar = before.calendar if wish.calendar is None else wish.calendar
    limits = before.limits if wish.limits is None else wish.limits
    if wish.calendar:
        _know(connection, wish.calendar)
    lamp_type = lights.types.get(lights.map.lamps[lamp].lamp_type)
    if lamp_type is not None:
        try:
            limits_of(lamp_type, limits)
        except LimitsError as error:
            raise CommandError(str(error)) from error
    lamps.set_settings(connection, lamp, LampSettings(calendar, limits))
    told = ", ".join(f"{name} {value:g}" for name, value in limits.items()) or "none"
    note(connection, giver, "settings", lamp, f"calendar {calendar}; own limits: {told}", now=now)


def assign(
    connection: Connection, calendar: str, chosen: Sequence[str], giver: Giver, *, now: float
) -> None:
    """Give `chosen` lamps a calendar. Raises NoCalendarError."""
    _know(connection, calendar)
    lamps.assign(connection, chosen, calendar)
    detail = f"{len(chosen)} lamps: {', '.join(chosen[:20])}"
    note(connection, giver, "calendar_assign", calendar, detail, now=now)


def _know(connection: Connection, calendar: str) -> None:
    if light_documents.get(connection, DocumentKind.CALENDAR, calendar) is None:
        raise NoCalendarError(f"There is no calendar {calendar}. Upload it first.")
