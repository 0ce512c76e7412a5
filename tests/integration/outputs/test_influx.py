"""The writers against influxd 1.x as Debian and Raspberry Pi OS have it."""

import asyncio
import dataclasses
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.clock import Clock
from gateway.lamps import LampEvent, LampEventKind, LampReading
from gateway.model import Alert, AlertKind, AlertState, Position
from gateway.outputs.delivery import Delivery, Unavailable
from gateway.outputs.influx import influx_writer
from gateway.outputs.lines import (
    alert_line,
    lamp_event_line,
    lamp_line,
    timestamp_ms,
)
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings
from tests.integration.influx_server import InfluxServer
from tests.integration.outputs.points import START, position_lines, some_positions

DATABASE = "machimori"


@asynccontextmanager
async def _delivery(influxd: InfluxServer, folder: Path) -> AsyncIterator[Delivery]:
    async with influx_writer(InfluxSettings(version=1, url=influxd.url), secret="") as writer:
        quarantine = Quarantine(folder / "quarantine.jsonl")
        yield Delivery(writer, quarantine, clock=Clock(), sleep=_impatient)


async def _impatient(seconds: float) -> None:
    await asyncio.sleep(seconds / 20)


def _row(position: Position) -> dict[str, object]:
    return {
        "time": timestamp_ms(position.at),
        "site": "iwaki",
        "tag": position.tag,
        "lon": position.lon,
        "lat": position.lat,
        "radius68_m": position.radius68_m,
        "radius95_m": position.radius95_m,
        "n_heard": position.n_heard,
        "presence": position.presence,
        "zone": "park" if position.zones else "",
        "path": position.path,
        "path_probability": position.path_probability,
    }


async def _rows(
    influxd: InfluxServer, query: str = "SELECT * FROM position"
) -> list[dict[str, object]]:
    return await influxd.query(query, database=DATABASE)


def _by_point(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: (str(row["time"]), str(row["tag"])))


async def test_every_value_comes_back_as_it_was_to_the_last_bit(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    positions = some_positions(200)
    positions.append(replace(positions[0], tag='い,わ=き \\"x', zones=(('a "b\\ c', 0.9),)))
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(position_lines(positions))
    expected = [_row(position) for position in positions]
    expected[-1]["zone"] = 'a "b\\ c'
    assert _by_point(await _rows(influxd)) == _by_point(expected)


async def test_what_was_accepted_is_there_after_a_power_cut(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    positions = some_positions(500)
    async with _delivery(influxd, tmp_path) as delivery:
        for start in range(0, 500, 50):
            await delivery.deliver(position_lines(positions[start : start + 50]))
        await influxd.kill()
        await influxd.start()
    assert _by_point(await _rows(influxd)) == _by_point([_row(position) for position in positions])


async def test_a_server_that_is_down_at_start_and_dies_later_costs_no_line(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    positions = some_positions(600)

    async def outages() -> None:
        await asyncio.sleep(0.3)
        await influxd.start()
        await asyncio.sleep(0.3)
        await influxd.create_database(DATABASE)
        for _ in range(3):
            await asyncio.sleep(0.1)
            await influxd.kill()
            await influxd.start()

    async with _delivery(influxd, tmp_path) as delivery, asyncio.TaskGroup() as tasks:
        outage = tasks.create_task(outages(), name="outages")
        sent = 0
        while sent < len(positions):
            await delivery.deliver(position_lines(positions[sent : sent + 10]))
            sent += 10
            await asyncio.sleep(0.02)
        await outage
    assert {"unreachable", "no_database"} <= delivery.counts.waits.keys()
    assert not (tmp_path / "quarantine.jsonl").exists()
    assert _by_point(await _rows(influxd)) == _by_point([_row(position) for position in positions])


async def test_writing_again_changes_nothing(influxd: InfluxServer, tmp_path: Path) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    lines = position_lines(some_positions(100))
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(lines)
        once = await _rows(influxd)
        await delivery.deliver(lines[::-1])
        await delivery.deliver(lines[40:60])
    assert await _rows(influxd) == once
    assert len(once) == 100


async def test_a_field_of_another_type_sets_aside_its_own_lines_only(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    positions = some_positions(100)
    lines = position_lines(positions)
    bad = [lines[7].replace("n_heard=1i", 'n_heard="one"'), "position,site=x lon=nan 5", "none"]
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver([*lines[:50], *bad, *lines[50:]])
    records = [json.loads(row) for row in (tmp_path / "quarantine.jsonl").read_text().splitlines()]
    assert [record["line"] for record in records] == bad
    assert ["type conflict" in record["reason"] for record in records] == [True, False, False]
    assert ["unable to parse" in record["reason"] for record in records] == [False, True, True]
    assert _by_point(await _rows(influxd)) == _by_point([_row(position) for position in positions])


async def test_each_state_of_each_alert_is_a_point_of_its_own(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    alerts = [
        Alert(
            id=f"a-{tag}",
            kind=AlertKind.SOS,
            state=state,
            at=START,
            raised_at=START + 960.5,
            tag=tag,
            receiver="rx-1",
        )
        for tag in ("t-1", "t-2")
        for state in AlertState
    ]
    lines = [str(alert_line(alert, site="iwaki")) for alert in alerts]
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(lines)
        await delivery.deliver(lines)
    rows = await _rows(influxd, "SELECT * FROM alert")
    assert {(row["id"], row["state"]) for row in rows} == {(a.id, a.state) for a in alerts}
    assert len(rows) == len(alerts)
    assert {row["raised_at"] for row in rows} == {START + 960.5}


async def test_what_lamps_said_and_their_faults_come_back_as_they_were(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    said = LampReading(
        at=START,
        lamp="l-1",
        actual_level=50,
        active_power_w=20.1 + 1e-13,
        switch_on_counter=7,
        motion=False,
    )
    fault = LampEvent("l-1", LampEventKind.LAMP_FAILURE, START, {"active_power_w": 0.5})
    lines = [lamp_line(said, site="iwaki")]
    lines += [
        lamp_event_line(one, site="iwaki") for one in (fault, dataclasses.replace(fault, end=START))
    ]
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver([str(line) for line in lines])
    (lamp,) = await _rows(influxd, "SELECT * FROM lamp")
    assert lamp == {
        "time": timestamp_ms(START),
        "site": "iwaki",
        "lamp": "l-1",
        "authority": "fallback",
        "actual_level": 50,
        "active_power_w": said.active_power_w,
        "switch_on_counter": 7,
        "motion": False,
    }
    events = await _rows(influxd, "SELECT * FROM lamp_event")
    assert sorted(str(one["state"]) for one in events) == ["end", "start"]
    assert {one["active_power_w"] for one in events} == {0.5}


async def test_a_persons_points_can_be_deleted_by_pseudonym(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    alert = Alert("a1", AlertKind.SOS, AlertState.RAISED, START, START, tag="t-1")
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(
            [*position_lines(some_positions(50)), str(alert_line(alert, site="iwaki"))]
        )
    await influxd.query("DELETE WHERE \"tag\" = 't-1'", database=DATABASE)
    assert {row["tag"] for row in await _rows(influxd)} == {"t-0", "t-2", "t-3", "t-4"}
    assert await _rows(influxd, "SELECT * FROM alert") == []


async def test_what_is_older_than_the_retention_is_set_aside_and_nothing_else(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.query(f'CREATE DATABASE "{DATABASE}" WITH DURATION 48h')
    now = time.time()
    ages_h = [1, 20, 120, 2, 1_000, 3]
    aged = [
        replace(position, at=now - 3_600 * hours)
        for position, hours in zip(some_positions(len(ages_h)), ages_h, strict=True)
    ]
    lines = position_lines(aged)
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(lines)
    records = [json.loads(row) for row in (tmp_path / "quarantine.jsonl").read_text().splitlines()]
    assert [record["line"] for record in records] == [lines[2], lines[4]]
    assert all("beyond retention policy" in record["reason"] for record in records)
    kept = [_row(position) for n, position in enumerate(aged) if n not in {2, 4}]
    assert _by_point(await _rows(influxd)) == _by_point(kept)


async def test_a_conflict_of_types_among_thousands_is_found_by_the_line(
    influxd: InfluxServer, tmp_path: Path
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    lines = position_lines(some_positions(3_000))
    lines[1_234] = lines[1_234].replace("n_heard=4i", "n_heard=4.0")
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver(lines)
    (record,) = [
        json.loads(row) for row in (tmp_path / "quarantine.jsonl").read_text().splitlines()
    ]
    assert record["line"] == lines[1_234]
    assert "n_heard" in record["reason"]
    assert len(await _rows(influxd, "SELECT lon FROM position")) == 2_999


async def test_a_wrong_password_is_told_and_a_right_one_writes(tmp_path: Path) -> None:
    async with InfluxServer(tmp_path / "influxd", auth=True) as influxd:
        await influxd.start()
        await influxd.query("CREATE USER sink WITH PASSWORD 'right' WITH ALL PRIVILEGES")
        await influxd.query(f'CREATE DATABASE "{DATABASE}"', login=("sink", "right"))
        settings = InfluxSettings(version=1, url=influxd.url, username="sink")
        line = position_lines(some_positions(1))
        async with influx_writer(settings, secret="wrong") as writer:
            outcome = await writer.write(line)
        assert isinstance(outcome, Unavailable)
        assert outcome.problem == "not_allowed"
        async with influx_writer(settings, secret="right") as writer:
            await Delivery(writer, Quarantine(tmp_path / "q"), clock=Clock()).deliver(line)
        (row,) = await influxd.query(
            "SELECT COUNT(lon) FROM position", database=DATABASE, login=("sink", "right")
        )
        assert row["count"] == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
async def test_influxd_itself_refuses_what_the_lines_module_rejects(
    influxd: InfluxServer, tmp_path: Path, bad: float
) -> None:
    await influxd.start()
    await influxd.create_database(DATABASE)
    async with _delivery(influxd, tmp_path) as delivery:
        await delivery.deliver([f"position,site=s lon={bad!r} 1"])
    assert delivery.counts.quarantined == 1
