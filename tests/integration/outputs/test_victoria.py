"""The writer for 2.x, through influxdb-client, against VictoriaMetrics."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.outputs.delivery import Accepted, Delivery
from gateway.outputs.influx import influx_writer
from gateway.outputs.lines import timestamp_ms
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings
from tests.integration.outputs.points import (
    SITE,
    START,
    other_lines,
    position_lines,
    some_positions,
)
from tests.integration.victoria_server import Sample, VictoriaServer


@pytest.fixture
async def victoria(tmp_path: Path) -> AsyncIterator[VictoriaServer]:
    """A server that is not started yet."""
    async with VictoriaServer(tmp_path / "victoria") as server:
        yield server


def _expected(count: int) -> dict[Sample, float]:
    return {
        Sample(f"position_{field}", (("site", SITE), ("tag", one.tag)), timestamp_ms(one.at)): value
        for one in some_positions(count)
        for field, value in (
            ("lon", one.lon),
            ("lat", one.lat),
            ("radius68_m", one.radius68_m),
            ("n_heard", one.n_heard),
        )
    }


async def _there(victoria: VictoriaServer, count: int) -> None:
    """Every position is there with its values, and no other."""
    samples = await victoria.samples()
    expected = _expected(count)
    names = {sample.name for sample in expected}
    assert {sample for sample in samples if sample.name in names} == expected.keys()
    for sample, value in expected.items():
        assert samples[sample] == pytest.approx(value, rel=1e-9, abs=1e-9)


async def test_every_measurement_is_read_as_it_was_meant(
    victoria: VictoriaServer, tmp_path: Path
) -> None:
    await victoria.start()
    settings = InfluxSettings(version=2, url=victoria.url)
    lines = [*position_lines(some_positions(500)), *other_lines()]
    async with influx_writer(settings, secret="token") as writer:
        assert await writer.write(lines) == Accepted()
        assert await writer.write(lines) == Accepted()
    await _there(victoria, 500)
    at = timestamp_ms(START)
    samples = await victoria.samples()
    lamp = (("lamp", "l 1"), ("site", SITE))
    assert samples[Sample("lamp_actual_level", lamp, at)] == 50.5
    assert samples[Sample("lamp_motion", lamp, at)] == 0
    (raised,) = [sample for sample in samples if sample.name == "alert_raised_at"]
    assert dict(raised.labels)["zone"] == 'a "b, c=d'
    assert samples[raised] == START + 1.5
    async with influx_writer(settings, secret="token") as writer:
        await writer.write(["nonsense"])
    async with asyncio.timeout(10):  # its page of counters is some seconds old
        invalid = 0
        while invalid == 0:
            await asyncio.sleep(0.1)
            invalid = await victoria.invalid()
    assert invalid == 1


async def test_a_server_that_is_not_there_and_goes_away_costs_no_line(
    victoria: VictoriaServer, tmp_path: Path
) -> None:
    lines = position_lines(some_positions(600))

    async def outages() -> None:
        await asyncio.sleep(0.2)
        await victoria.start()
        for _ in range(2):
            await asyncio.sleep(0.2)
            await victoria.stop()
            await asyncio.sleep(0.2)
            await victoria.start()

    async def impatient(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)

    settings = InfluxSettings(version=2, url=victoria.url)
    quarantine = Quarantine(tmp_path / "quarantine.jsonl")
    async with influx_writer(settings, secret="token") as writer, asyncio.TaskGroup() as tasks:
        delivery = Delivery(writer, quarantine, clock=Clock(), sleep=impatient)
        outage = tasks.create_task(outages(), name="outages")
        for begin in range(0, len(lines), 10):
            await delivery.deliver(lines[begin : begin + 10])
            await asyncio.sleep(0.02)
        await outage
    assert delivery.counts.waits["unreachable"] > 0
    assert delivery.counts.accepted == len(lines)
    await _there(victoria, 600)
