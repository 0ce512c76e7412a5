"""Energy, as JSON and as a table."""

import csv
import io
from datetime import date

import pytest

from gateway.lights.energy import NightEnergy
from gateway.store import lamp_energy
from gateway.store.database import Connection
from tests.unit.api.lamp_pieces import site
from tests.unit.api.town import Town

V1 = "/api/v1"
NIGHTS = (
    NightEnergy("l-1", date(2026, 12, 31), 0.4, 0.0, 0.5, 12.5),
    NightEnergy("l-1", date(2027, 1, 14), 0.3, 0.0, 0.5, 12.5),
    NightEnergy("l-3", date(2027, 1, 14), 0.0, 0.2, 0.5, 12.5),
)


@pytest.fixture
async def lit(town: Town) -> Town:
    """A town whose l-1 has a meter, and l-3 none."""

    def keep(connection: Connection) -> None:
        lamp_energy.add(connection, NIGHTS)

    await town.database.write(keep)
    return town


async def test_the_site_by_night_with_metered_and_estimated_apart(lit: Town) -> None:
    async with lit.client("suzuki") as client:
        answer = (await client.get(f"{V1}/energy")).json()
    assert answer["co2_kg_per_kwh"] == 0.402
    assert [one["period"] for one in answer["rows"]] == ["2026-12-31", "2027-01-14"]
    assert answer["rows"][1] == pytest.approx(
        {
            "key": "",
            "period": "2027-01-14",
            "metered_kwh": 0.3,
            "estimated_kwh": 0.2,
            "baseline_kwh": 1.0,
            "saved_kwh": 0.5,
            "co2_kg": 0.5 * 0.402,
            "saved_co2_kg": 0.5 * 0.402,
            "on_hours": 25.0,
        }
    )


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ("by=lamp", [("2026-12-31", "l-1"), ("2027-01-14", "l-1"), ("2027-01-14", "l-3")]),
        (
            "by=group&period=month",
            [("2026-12", "north"), ("2027-01", "north"), ("2027-01", "south")],
        ),
        ("since=2027-01-01", [("2027-01-14", "")]),
        ("since=2026-12-31&until=2026-12-31", [("2026-12-31", "")]),
        ("until=2026-12-30", []),
        ("since=2027-02-01&until=2027-01-01", []),
    ],
)
async def test_rows_are_asked_for_by_key_period_and_days(
    lit: Town, asked: str, rows: list[tuple[str, str]]
) -> None:
    async with lit.client("takeda") as client:
        answer = (await client.get(f"{V1}/energy?{asked}")).json()
    assert [(one["period"], one["key"]) for one in answer["rows"]] == rows


@pytest.mark.parametrize(
    "asked",
    ["by=street", "period=hour", "since=yesterday", "until=0001-01-01", "until=9999-12-31"],
)
async def test_what_is_no_question_is_refused(lit: Town, asked: str) -> None:
    async with lit.client("takeda") as client:
        answers = [await client.get(f"{V1}/{path}?{asked}") for path in ("energy", "energy.csv")]
    assert [one.status_code for one in answers] == [422, 422]


async def test_more_than_can_be_told_at_once_is_refused(lit: Town) -> None:
    lit.site = site(5_000)
    async with lit.client("takeda") as client:
        month = await client.get(f"{V1}/energy?since=2026-12-01&until=2026-12-31")
        years = await client.get(f"{V1}/energy?since=2020-01-01&until=2026-12-31")
    assert (month.status_code, years.status_code) == (200, 422)
    assert years.json() == {"detail": "Ask for 100 nights at most at once."}


@pytest.mark.parametrize(("language", "heading"), [("ja", "計測値 (kWh)"), ("en", "metered_kwh")])
async def test_the_table_opens_in_excel_in_the_language_of_the_account(
    lit: Town, language: str, heading: str
) -> None:
    async with lit.client("suzuki") as client:
        await client.patch(f"{V1}/me", json={"language": language})
        answer = await client.get(f"{V1}/energy.csv?by=lamp&since=2027-01-01")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="energy.csv"'
    assert answer.content.startswith("\ufeff".encode())
    headings, first, _ = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert headings[2] == heading
    assert first == ["2027-01-14", "l-1", "0.3", "0.0", "0.5", "0.2", "0.1206", "0.0804", "12.5"]
