"""What is told of energy, and the headings of its table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gateway.api.lights import Lights
from gateway.lights.energy import By, EnergyRow, Period, summarise
from gateway.store import lamp_energy
from gateway.store.database import Connection

COLUMNS = (
    "period",
    "key",
    "metered_kwh",
    "estimated_kwh",
    "baseline_kwh",
    "saved_kwh",
    "co2_kg",
    "saved_co2_kg",
    "on_hours",
)
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "en": COLUMNS,
    "ja": (
        "期間",
        "対象",
        "計測値 (kWh)",
        "推定値 (kWh)",
        "全点灯時 (kWh)",
        "削減量 (kWh)",
        "CO₂ (kg)",
        "CO₂削減量 (kg)",
        "点灯時間 (h)",
    ),
}


@dataclass(frozen=True, slots=True)
class EnergyShape:
    """kWh that meters counted and that were estimated, never mixed; against full light all night.

    `co2_kg_per_kwh` is of the electricity that the town buys.
    """

    co2_kg_per_kwh: float
    rows: tuple[EnergyRow, ...]


def energy_rows(
    connection: Connection,
    lights: Lights,
    *,
    by: By,
    period: Period,
    since: date,
    until: date,
) -> tuple[EnergyRow, ...]:
    """Of the nights since … until, both with them."""
    nights = lamp_energy.between(connection, since=since, until=until)
    return summarise(
        nights,
        by=by,
        period=period,
        groups={lamp.id: lamp.groups for lamp in lights.site.lamps},
        co2_kg_per_kwh=lights.settings.co2_kg_per_kwh,
    )
