"""Energy by lamp, group or site, and by night or month; as JSON, and as a table for Excel."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Response, status

from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.energy import COLUMNS, HEADINGS, EnergyShape, energy_rows
from gateway.api.lamp_wishes import Night
from gateway.api.lights import Lights
from gateway.api.parts import Parts, PartsOf
from gateway.api.table import csv_table
from gateway.lights.energy import By, EnergyRow, Period
from gateway.lights.times import night_of
from gateway.store.database import Connection

router = APIRouter(tags=["energy"])

USUAL_DAYS = 31
MOST_LAMP_NIGHTS = 500_000  # a month of 5,000 lamps, with room; what more is asked for would wait


class Asked(NamedTuple):
    """What energy is asked for: the nights since … until, both with them."""

    by: By
    period: Period
    since: date
    until: date

    def rows(self, connection: Connection, lights: Lights) -> tuple[EnergyRow, ...]:
        """The rows of it."""
        return energy_rows(
            connection,
            lights,
            by=self.by,
            period=self.period,
            since=self.since,
            until=self.until,
        )


async def _asked(
    _: StaffOrTechnician,
    parts: PartsOf,
    by: By = By.SITE,
    period: Period = Period.NIGHT,
    since: Annotated[Night | None, Query(description="The first night.")] = None,
    until: Annotated[Night | None, Query(description="The last night, this one.")] = None,
) -> Asked:
    last = until or night_of(parts.clock.utc(), parts.lights.sky.zone)
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    _refuse_too_much(parts, (last - first).days + 1)
    return Asked(by, period, first, last)


AskedOf = Annotated[Asked, Depends(_asked)]


@router.get("/energy", responses=told(EnergyShape))
async def energy(asked: AskedOf, parts: PartsOf) -> Response:
    """Rows by period, then by key: a lamp, a group, or (site) an empty one.

    Without `since` the month before `until`. A lamp of two groups is in both: do not add them up.
    """
    return Json(await parts.database.read(_json, parts.lights, asked))


@router.get("/energy.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def energy_csv(asked: AskedOf, caller: StaffOrTechnician, parts: PartsOf) -> Response:
    """The same as a table; its headings are in the language of the account."""
    headings = HEADINGS["en" if caller.user.language == "en" else "ja"]
    return Response(
        await parts.database.read(_table, parts.lights, asked, headings),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="energy.csv"'},
    )


def _refuse_too_much(parts: Parts, days: int) -> None:
    lamps = max(1, len(parts.lights.map.driven))
    if days * lamps > MOST_LAMP_NIGHTS:
        detail = f"Ask for {MOST_LAMP_NIGHTS // lamps} nights at most at once."
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)


# --- in a reader's thread: a month of 5,000 lamps is seconds of writing ---------------------------


def _json(connection: Connection, lights: Lights, asked: Asked) -> bytes:
    rows = asked.rows(connection, lights)
    return msgspec.json.encode(EnergyShape(lights.settings.co2_kg_per_kwh, rows))


def _table(connection: Connection, lights: Lights, asked: Asked, headings: Sequence[str]) -> bytes:
    return csv_table(headings, (_cells(row) for row in asked.rows(connection, lights)))


def _cells(row: EnergyRow) -> Sequence[str | float]:
    return [_rounded(getattr(row, name)) for name in COLUMNS]


def _rounded(cell: str | float) -> str | float:
    return cell if isinstance(cell, str) else round(cell, 6)
