"""What lamps took is summed by night."""

from dataclasses import replace
from datetime import date

from gateway.lights.energy import NightEnergy
from gateway.store import lamp_energy
from gateway.store.database import Database

NIGHT = NightEnergy("l-1", date(2026, 11, 22), 0.25, 0.0, 0.5, 6.0)


async def test_shares_of_a_night_add_up(database: Database) -> None:
    other = replace(NIGHT, lamp="l-2", metered_kwh=0.0, estimated_kwh=0.125)
    await database.write(lamp_energy.add, [NIGHT, other])
    await database.write(lamp_energy.add, [NIGHT])
    kept = await database.read(lamp_energy.between, since=NIGHT.night, until=NIGHT.night)
    assert kept == [NightEnergy("l-1", NIGHT.night, 0.5, 0.0, 1.0, 12.0), other]


async def test_nights_are_found_from_and_to_both_with_them(database: Database) -> None:
    nights = [replace(NIGHT, night=date(2026, 11, day)) for day in (29, 30)]
    nights += [replace(NIGHT, night=date(2026, 12, 1))]
    await database.write(lamp_energy.add, nights)
    found = lamp_energy.between
    assert await database.read(found, since=nights[1].night, until=nights[2].night) == nights[1:]
    await database.write(lamp_energy.remove, "l-1", since=nights[1].night)
    assert await database.read(found, since=date.min, until=date.max) == nights[:1]
