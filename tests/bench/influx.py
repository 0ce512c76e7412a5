"""Points per second from the sink's rows into InfluxDB: 1.x on influxd, 2.x on VictoriaMetrics.

The sink's way is all of it: rows as they come from the link, decoded, made lines, written until
they are accepted. The peer has its lines made beforehand and writes them by a bare loop over one
connection, in bodies of the same size, to the same server in the same run.
"""

import asyncio
import http.client
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from gateway.app.sink import SinkInbox
from gateway.clock import Clock
from gateway.link.envelope import Envelope, Kind, encode_items
from gateway.model import Lane, Position, Presence
from gateway.outputs.delivery import MAX_LINES, Delivery
from gateway.outputs.influx import influx_writer
from gateway.outputs.lines import position_line
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings
from tests.bench.figure import Figure
from tests.integration.influx_server import InfluxServer
from tests.integration.victoria_server import VictoriaServer

SITE = "bench"
ROWS = 64  # what a sender has in flight on one lane
POSITIONS_A_ROW = 300
TURNS = 15
PATHS = {1: "/write?db=machimori&precision=ms", 2: "/api/v2/write?org=o&bucket=b&precision=ms"}


def measure() -> Sequence[Figure]:
    """Both ways by turns; the median of each."""
    if not (shutil.which("influxd") and shutil.which("victoria-metrics")):
        return []
    folder = Path(tempfile.mkdtemp())
    try:
        return asyncio.run(_measure(folder))
    finally:
        shutil.rmtree(folder)


async def _measure(folder: Path) -> Sequence[Figure]:
    figures = []
    async with AsyncExitStack() as stack:
        influxd = await stack.enter_async_context(InfluxServer(folder / "influxd"))
        await influxd.start()
        await influxd.create_database("machimori")
        figures.append(await _compared(1, influxd.url, folder))
        await influxd.kill()
        victoria = await stack.enter_async_context(VictoriaServer(folder / "victoria"))
        await victoria.start()
        figures.append(await _compared(2, victoria.url, folder))
    return figures


async def _compared(version: Literal[1, 2], url: str, folder: Path) -> Figure:
    settings = InfluxSettings(version=version, url=url)
    ours: list[float] = []
    bare: list[float] = []
    async with influx_writer(settings, secret="token") as writer:
        delivery = Delivery(writer, Quarantine(folder / "quarantine"), clock=Clock())
        inbox = SinkInbox(delivery, site=SITE)
        # By turns, so that what else this machine does strikes both; the first opens files.
        for turn in range(TURNS + 1):
            mine = await _by_the_sink(inbox, _positions(2 * turn))
            hand = await asyncio.to_thread(_by_hand, url + PATHS[version], _positions(2 * turn + 1))
            if turn:
                ours.append(mine)
                bare.append(hand)
    what = "1.x, influxd" if version == 1 else "2.x, VictoriaMetrics"
    count = ROWS * POSITIONS_A_ROW
    peer = "same lines, bare HTTP loop"
    return Figure(
        f"influx: points, {what}", count / median(ours), "1/s", peer, count / median(bare)
    )


def _positions(number: int) -> list[list[Position]]:
    """A row a second, of 300 carriers; no number repeats another's times."""
    return [
        [
            Position(
                at=1_800_000_000.0 + number * ROWS + second,
                tag=f"t-{tag}",
                lon=140.95 + second / 3e6 + tag / 1e4,
                lat=36.95 - second / 7e6,
                radius68_m=2.0 + tag / 70,
                radius95_m=5.0 + tag / 30,
                n_heard=tag % 6,
                presence=Presence.TRACKED,
                zones=(("park", 0.6), ("street", 0.3)) if tag % 3 else (),
                path="north pavement" if tag % 2 else "",
                path_probability=0.75 if tag % 2 else 0.0,
            )
            for tag in range(POSITIONS_A_ROW)
        ]
        for second in range(ROWS)
    ]


async def _by_the_sink(inbox: SinkInbox, positions: Sequence[Sequence[Position]]) -> float:
    """Seconds for all; the rows are encoded beforehand, as they lie in the hub."""
    rows = [
        Envelope(
            sender="hub",
            epoch="e1",
            lane=Lane.LIVE,
            seq=seq,
            first=1,
            sent=0.0,
            kind=Kind.POSITIONS,
            items=msgspec.Raw(encode_items(some)),
        )
        for seq, some in enumerate(positions, start=1)
    ]
    begun = time.perf_counter()
    await inbox.commit(rows, {})
    return time.perf_counter() - begun


def _by_hand(url: str, positions: Sequence[Sequence[Position]]) -> float:
    """Seconds for lines that are there already."""
    lines = [str(position_line(one, site=SITE)) for some in positions for one in some]
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.connect()
    begun = time.perf_counter()
    for start in range(0, len(lines), MAX_LINES):
        body = "\n".join(lines[start : start + MAX_LINES]).encode()
        connection.request("POST", f"{address.path}?{address.query}", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204, answer.status
    taken_s = time.perf_counter() - begun
    connection.close()
    return taken_s
