"""Energy counted as readings come, and counted anew where they come late: the same in the end."""

import random
from collections.abc import Sequence
from datetime import date

import pytest

from gateway.app.metering import Metering, Nights
from gateway.lamps import LampReading
from gateway.lights.energy import NightEnergy
from gateway.lights.times import night_of
from gateway.store import lamp_energy, lamp_meters, lamp_readings, lamps
from gateway.store.database import Connection, Database
from gateway.store.lamp_meters import Amend
from gateway.store.lamp_readings import Standing
from gateway.store.lamps import LampState
from tests.unit.app.lamp_pieces import LED, NOW, TOKYO, reading

HOUR_S = 3_600.0


@pytest.fixture
def metering() -> Metering:
    return Metering({"l-0": LED}, TOKYO)


def three_nights(*, metered: bool) -> list[LampReading]:
    """A reading each ten minutes for sixty hours; lit half the time, at changing levels."""
    rng = random.Random(4)
    said, kwh = [], 100.0
    for n in range(360):
        level = 0.0 if n % 144 > 72 else rng.choice([30.0, 50.0, 100.0])
        watts = 0.4 * max(1.0, level)
        kwh += watts / 6_000
        energy = kwh if metered else None
        at = NOW + n * HOUR_S / 6
        said.append(reading(at, actual_level=level, active_power_w=watts, active_energy_kwh=energy))
    return said


def live(connection: Connection, metering: Metering, said: Sequence[LampReading]) -> None:
    """As the intake does with readings that are newer than all before."""
    before = lamp_readings.standings(connection, ["l-0"]).get("l-0")
    after, meter = (before.state.reading.at, before.meter) if before else (0.0, b"")
    counted = metering.count("l-0", said, after=after, meter=meter)
    state = LampState(said[-1], None, None)
    lamp_readings.keep(connection, {"l-0": Standing(1, state, counted.meter)})
    lamp_readings.add(connection, ((1, one) for one in said))
    lamp_energy.add(connection, counted.nights)
    lamp_meters.add_checkpoints(connection, counted.begun)


def late(connection: Connection, said: Sequence[LampReading]) -> None:
    lamp_readings.add(connection, ((1, one) for one in said))
    lamp_meters.want_amend(connection, Amend("l-0", said[0].at))


async def energy(database: Database) -> list[NightEnergy]:
    return await database.read(lamp_energy.between, since=date.min, until=date.max)


async def counted_live(
    database: Database, metering: Metering, said: Sequence[LampReading], *, at_once: int = 7
) -> list[NightEnergy]:
    for begin in range(0, len(said), at_once):
        await database.write(live, metering, said[begin : begin + at_once])
    return await energy(database)


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("missing", [(0, 40), (30, 160), (100, 101), (120, 320), (150, 359)])
async def test_what_comes_late_counts_as_if_it_had_come_in_time(
    database: Database, metering: Metering, missing: tuple[int, int], *, metered: bool
) -> None:
    whole = three_nights(metered=metered)
    expected = await counted_live(database, metering, whole)
    assert len(expected) == 3
    await database.write(forget_all)
    first, last = missing
    await counted_live(database, metering, whole[:first] + whole[last:])
    await database.write(late, whole[first:last])
    assert await database.write(metering.amend_next)
    assert not await database.write(metering.amend_next)
    _assert_close(await energy(database), expected)


def _assert_close(found: Sequence[NightEnergy], expected: Sequence[NightEnergy]) -> None:
    assert [one.night for one in found] == [one.night for one in expected]
    for one, other in zip(found, expected, strict=True):
        for name in ("metered_kwh", "estimated_kwh", "baseline_kwh", "on_hours"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9), name


def forget_all(connection: Connection) -> None:
    lamp_energy.remove(connection, "l-0", since=date.min)
    lamp_meters.remove_checkpoints(connection, "l-0", since=date.min)
    connection.exec_driver_sql("DELETE FROM lamp_readings")
    connection.exec_driver_sql("DELETE FROM lamp_states")


async def test_it_goes_on_from_what_was_counted_anew(
    database: Database, metering: Metering
) -> None:
    whole = three_nights(metered=False)
    expected = await counted_live(database, metering, whole)
    await database.write(forget_all)
    await counted_live(database, metering, whole[:50] + whole[60:200])
    await database.write(late, whole[50:60])
    await database.write(metering.amend_next)
    found = await counted_live(database, metering, whole[200:])
    assert [one.estimated_kwh for one in found] == pytest.approx(
        [one.estimated_kwh for one in expected]
    )


async def test_counting_anew_what_is_right_changes_nothing(
    database: Database, metering: Metering
) -> None:
    before = await counted_live(database, metering, three_nights(metered=True))
    standing = await database.read(lamp_readings.standings, ["l-0"])
    await database.write(lamp_meters.want_amend, Amend("l-0", NOW + 30 * HOUR_S))
    await database.write(metering.amend_next)
    _assert_close(await energy(database), before)
    assert await database.read(lamp_readings.standings, ["l-0"]) == standing


async def test_a_lamp_of_an_unknown_type_has_no_energy(database: Database) -> None:
    await counted_live(database, Metering({}, TOKYO), three_nights(metered=True))
    assert await energy(database) == []
    assert await database.read(lamps.state, "l-0") is not None


def test_nights_are_those_of_the_sites_clocks() -> None:
    nights, rng = Nights(TOKYO), random.Random(1)
    for _ in range(500):
        at = NOW + rng.uniform(-5, 5) * 86_400
        assert nights.of(at) == night_of(at, TOKYO)
