"""Energy by lamp, group or site, and by night or month; as JSON, and as a table for Excel."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Response, status

from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.energy import COLUMNS, HEADINGS, EnergyShape, energy_rows
from gateway.api.lamp_wishes import Night
from gateway.api.parts import Parts, PartsOf
from gateway.api.table import csv_table
from gateway.lights.energy import By, EnergyRow, Period
from gateway.lights.times import night_of

router = APIRouter(tags=["energy"])

USUAL_DAYS = 31
MOST_LAMP_NIGHTS = 500_000  # a month of 5,000 lamps, with room; what more is asked for would wait

Rows = tuple[EnergyRow, ...]


async def _rows(
    _: StaffOrTechnician,
    parts: PartsOf,
    by: By = By.SITE,
    period: Period = Period.NIGHT,
    since: Annotated[Night | None, Query(description="The first night.")] = None,
    until: Annotated[Night | None, Query(description="The last night, this one.")] = None,
) -> Rows:
    last = until or night_of(parts.clock.utc(), parts.lights.sky.zone)
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    _refuse_too_much(parts, (last - first).days + 1)
    return await parts.database.read(
        energy_rows, parts.lights, by=by, period=period, since=first, until=last
    )


RowsOf = Annotated[Rows, Depends(_rows)]


@router.get("/energy", responses=told(EnergyShape))
async def energy(rows: RowsOf, parts: PartsOf) -> Response:
    """Rows by period, then by key: a lamp, a group, or (site) an empty one.

    Without `since` the month before `until`. A lamp of two groups is in both: do not add them up.
    """
    return Json(EnergyShape(parts.lights.settings.co2_kg_per_kwh, rows))


@router.get("/energy.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def energy_csv(rows: RowsOf, caller: StaffOrTechnician) -> Response:
    """The same as a table; its headings are in the language of the account."""
    headings = HEADINGS["en" if caller.user.language == "en" else "ja"]
    return Response(
        csv_table(headings, (_cells(row) for row in rows)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="energy.csv"'},
    )


def _cells(row: EnergyRow) -> Sequence[str | float]:
    return [_rounded(getattr(row, name)) for name in COLUMNS]


def _rounded(cell: str | float) -> str | float:
    return cell if isinstance(cell, str) else round(cell, 6)


def _refuse_too_much(parts: Parts, days: int) -> None:
    lamps = max(1, len(parts.lights.map.driven))
    if days * lamps > MOST_LAMP_NIGHTS:
        detail = f"Ask for {MOST_LAMP_NIGHTS // lamps} nights at most at once."
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)
