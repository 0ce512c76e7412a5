"""A process that dies where it was told to, and the ledger of what its outbox committed."""

import asyncio
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.link.outbox_file import OutboxReader
from gateway.model import Lane, Role
from tests.needs import ROOT
from tests.system.chaos.points import POINTS, SQL_COMMIT, Point

APPENDER = """
import asyncio, sys
from pathlib import Path
from gateway.link.envelope import Kind
from gateway.link.outbox import Outbox
from gateway.model import Lane, Press, Role
from tests.system.chaos.points import Trigger, wrap
from tests.system.chaos.role import keep_ledger

folder = Path(sys.argv[1])
keep_ledger(folder / "ledger", gateway="gw-07")
wrap(Role.EDGE, Trigger(folder / "arm"))

async def main():
    async with Outbox(folder / "outbox.sqlite", max_bytes=100_000_000) as outbox:
        for number in range(100):
            press = Press(at=float(number), receiver="r", identifier=f"i{number}", rssi_dbm=-70)
            await outbox.append(Lane.URGENT, Kind.PRESS, [press], since=0.0, until=1.0)

asyncio.run(main())
"""


async def run(folder: Path, *, armed: str) -> tuple[int | None, list[dict[str, object]]]:
    """Append until the end, or death: the exit code, and the ledger."""
    (folder / "arm").write_text(armed)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDER, str(folder), cwd=ROOT
    )
    async with asyncio.timeout(30):
        code = await process.wait()
    return code, [json.loads(line) for line in (folder / "ledger").read_text().splitlines()]


def identifiers(lines: Sequence[dict[str, object]], state: str) -> list[object]:
    return [line["identifiers"] for line in lines if line["state"] == state]


def held(folder: Path) -> int:
    reader = OutboxReader(folder / "outbox.sqlite")
    reader.open()
    rows = reader.read(Lane.URGENT, after=0, limit=1_000)
    reader.close()
    return len(rows)


@pytest.mark.parametrize(
    ("point", "n_unfinished"),
    [
        ("edge before the outbox's transaction", 0),
        ("edge before the outbox's COMMIT", 1),
        ("edge after the outbox's commit", 0),
    ],
)
async def test_a_process_dies_at_its_point_and_the_ledger_tells_what_is_held(
    tmp_path: Path, point: str, n_unfinished: int
) -> None:
    code, lines = await run(tmp_path, armed=f"{point} 10")
    assert code == -signal.SIGKILL
    assert not (tmp_path / "arm").exists(), "it would die again"
    done, tried = identifiers(lines, "done"), identifiers(lines, "try")
    assert held(tmp_path) == len(done) > 3
    assert done == [[f"i{number}"] for number in range(len(done))]
    assert tried[: len(done)] == done
    assert len(tried) == len(done) + n_unfinished
    assert {line["gateway"] for line in lines} == {"gw-07"}


async def test_a_process_lives_where_it_is_armed_for_another_point(tmp_path: Path) -> None:
    code, lines = await run(tmp_path, armed="hub before a COMMIT")
    assert code == 0
    assert held(tmp_path) == len(identifiers(lines, "done")) == 100


def test_every_role_has_points_and_no_name_twice() -> None:
    assert {point.role for point in POINTS} == set(Role)
    assert len({point.name for point in POINTS}) == len(POINTS)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_every_point_is_a_call_of_the_product(point: Point) -> None:
    if point.call == SQL_COMMIT:
        return
    module, _, path = point.call.partition(":")
    owner, _, method = path.partition(".")
    assert callable(getattr(getattr(importlib.import_module(module), owner), method))
