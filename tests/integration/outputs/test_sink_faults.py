"""The whole sink against an InfluxDB 2.x that fails in every way: what the hub sent is there."""

import asyncio
import json
from collections import Counter
from pathlib import Path

from structlog.testing import capture_logs

from gateway.app.sink import Sink
from gateway.clock import Clock
from gateway.link.envelope import Kind
from gateway.model import Lane
from gateway.outputs.lines import timestamp_ms
from gateway.settings import BrokerSettings, InfluxSettings, Settings, SinkSettings
from tests.integration.conftest import Mosquitto
from tests.integration.outputs.hub_rows import HubRows, sending
from tests.integration.outputs.points import position_lines, some_positions
from tests.unit.outputs.fake_influx import Answer, FakeInflux, error
from tests.unit.outputs.line_protocol import read_line

PAST = ("Date", "Wed, 21 Oct 2026 12:00:00 GMT")
SCRIPT = (
    error(401, "unauthorized access"),
    Answer(429, headers=(("Retry-After", "1"),)),
    error(500, "timeout", keeps=True),
    Answer(503, headers=(("Retry-After", "Wed, 21 Oct 2026 12:00:01 GMT"), PAST)),
    Answer(204, cut="before", keeps=True),
    Answer(204, cut="request"),
    error(422, "partial write")._replace(cut="answer"),
)
BEFORE_THE_RETENTION = 7


async def test_every_answer_in_turn_costs_no_position(tmp_path: Path, mosquitto: Mosquitto) -> None:
    positions = some_positions(210)
    (tmp_path / "token").write_text("right\n")
    oldest_at = timestamp_ms(positions[BEFORE_THE_RETENTION].at)
    rows, stop = HubRows(), asyncio.Event()
    async with FakeInflux(token="right", oldest_at=oldest_at) as influx:
        settings = Settings(
            state_dir=tmp_path,
            broker=BrokerSettings(port=mosquitto.port),
            sink=SinkSettings(
                influx=InfluxSettings(url=influx.url, secret_file=tmp_path / "token")
            ),
        )
        with capture_logs() as logs:
            async with (
                asyncio.timeout(60),
                sending(rows, site=settings.site_id, port=mosquitto.port),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(Sink(settings, Clock()).run(stop, lambda: None), name="sink")
                for number, answer in enumerate(SCRIPT):
                    influx.script.append(answer)
                    rows.append(Lane.LIVE, Kind.POSITIONS, positions[30 * number :][:30])
                    await rows.empty.wait()
                stop.set()
    points = [point for line in position_lines(positions) if (point := read_line(line))]
    kept = {(one.series, one.at): one.fields for one in points if one.at >= oldest_at}
    assert influx.points == kept
    aside = [json.loads(row) for row in (tmp_path / "quarantine.jsonl").read_text().splitlines()]
    assert len(aside) == BEFORE_THE_RETENTION
    assert {"beyond retention" in one["reason"] for one in aside} == {True}
    told = Counter(log["problem"] for log in logs if "problem" in log)
    assert told == {"not_allowed": 1, "busy": 2, "server_error": 1, "unreachable": 3}
