"""Every query of the Grafana dashboard runs on influxd 1.x, and finds what the sink wrote."""

import time
from pathlib import Path

from gateway.outputs.delivery import Accepted
from gateway.outputs.influx import influx_writer
from gateway.settings import InfluxSettings
from tests.integration.influx_server import InfluxServer
from tests.unit.outputs.dashboard import queries
from tests.unit.outputs.whole_lines import whole_lines

SITE = "iwaki"


async def test_every_panel_finds_its_points(influxd: InfluxServer, tmp_path: Path) -> None:
    await influxd.start()
    await influxd.create_database("machimori")
    now = time.time() // 60 * 60
    settings = InfluxSettings(version=1, url=influxd.url)
    async with influx_writer(settings, secret="") as writer:
        for minute in range(5):
            lines = whole_lines(at=now - 60 * minute, site=SITE)
            lines += whole_lines(at=now - 60 * minute, site="elsewhere")
            assert await writer.write(lines) == Accepted()
    window = {"since_ms": round(1000 * (now - 600)), "until_ms": round(1000 * (now + 60))}
    for query in queries():
        here = query.filled(**window, site=SITE)
        assert await influxd.query(here, database="machimori"), query.panel
        nowhere = query.filled(**window, site="nowhere")
        if "$site" in query.text:
            rows = await influxd.query(nowhere, database="machimori")
            assert not rows, query.panel
