"""A hub that is killed while lamps speak: each row counts once, however often it comes."""

import asyncio
import sys
from datetime import date
from pathlib import Path

import msgspec
import pytest

from gateway.app.hub_lights import HubLights
from gateway.app.intake import Intake
from gateway.app.registry import Registry
from gateway.lamps import LampEvent, LampEventKind
from gateway.lights.energy import NightEnergy
from gateway.link.envelope import Envelope, Kind, Stream
from gateway.model import Lane
from gateway.settings import Settings
from gateway.store import lamp_energy, lamp_events, lamp_meters, lamps
from gateway.store.database import Database
from tests.needs import ROOT
from tests.unit.app.lamp_pieces import NOW, OUT, TYPES, lit_street, reading, row
from tests.unit.app.tag_pieces import no_tags
from tests.unit.app.town import HandClock

ROWS = 120
KILLED_AFTER = 40
LAMPS = ("l-0", "l-1")
STREAM = Stream("gw-01", "e1", Lane.LIVE)


class Nobody:
    """A broker that is not there."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """It takes nothing."""
        return False


def intake(database: Database) -> Intake:
    """The hub's, of a street with lamps."""
    clock = HandClock(NOW + 60 * ROWS)
    lights = HubLights(
        Settings(),
        lit_street(),
        TYPES,
        database=database,
        clock=clock,
        publisher=Nobody(),
        out=OUT,
    )

    registry = Registry(database)
    return Intake(
        database,
        clock,
        registry,
        is_closed=lambda _: False,
        announce=lambda _: None,
        out=OUT,
        lamps=lights.intake,
        tags=no_tags(database, clock, registry),
        joined=lights.sos.brighten,
        show=lambda _: None,
    )


def sent(seq: int) -> Envelope:
    """Row `seq`: a minute of both lamps; each tenth row a fault that begins, or ends, instead."""
    at, now = NOW + 60 * seq, NOW + 60 * ROWS
    if seq % 10 == 0:
        is_over = seq % 20 == 0
        start = at - 600 if is_over else at
        kind, evidence = LampEventKind.DIMMING_FAILURE, {"active_power_w": 1.0}
        event = LampEvent("l-0", kind, start, evidence, at if is_over else None)
        return row(seq, event, kind=Kind.LAMP_EVENTS, sent=now)
    said = (
        reading(at, lamp, active_energy_kwh=5.0 + seq / 3_000, actual_level=float(seq % 101))
        for lamp in LAMPS
    )
    return row(seq, *said, sent=now)


async def commit(database: Database, since: int, until: int) -> None:
    """Rows since ≤ seq < until, one by one."""
    to = intake(database)
    for seq in range(since, until):
        await to.commit([sent(seq)], {STREAM: seq})


async def commit_and_tell(path: Path) -> None:
    """What the killed program does."""
    async with Database(path) as database:
        to = intake(database)
        for seq in range(1, ROWS + 1):
            await to.commit([sent(seq)], {STREAM: seq})
            sys.stdout.write(f"{seq}\n")
            sys.stdout.flush()


Said = list[tuple[float, float | None, float | None, float | None]]
Told = tuple[list[NightEnergy], list[LampEvent], dict[str, Said], bytes]


async def told(database: Database) -> Told:
    """All that the hub knows of the lamps."""
    history = {
        lamp: await database.read(lamps.history, lamp, since=0.0, until=1e12) for lamp in LAMPS
    }
    return (
        await database.read(lamp_energy.between, since=date.min, until=date.max),
        await database.read(lamp_events.overlapping, since=0.0, until=1e12),
        history,
        msgspec.json.encode(await database.read(lamps.states)),
    )


@pytest.fixture
async def undisturbed(tmp_path: Path) -> Told:
    """What a hub knows that nothing happened to."""
    async with Database(tmp_path / "undisturbed.sqlite") as database:
        await commit(database, 1, ROWS + 1)
        return await told(database)


async def killed(path: Path) -> int:
    """Kill a hub amid its commits; the last seq that it told."""
    script = (
        "import asyncio, sys, pathlib\n"
        "from tests.integration.test_lamp_faults import commit_and_tell\n"
        "asyncio.run(commit_and_tell(pathlib.Path(sys.argv[1])))\n"
    )
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert program.stdout is not None
    last = 0
    try:
        while last < KILLED_AFTER:
            last = int(await program.stdout.readline())
    finally:
        program.kill()
    rest = (await program.stdout.read()).splitlines()
    await program.wait()
    return int(rest[-1]) if rest else last


async def test_a_killed_hub_goes_on_from_its_mark_as_if_nothing_had_been(
    tmp_path: Path, undisturbed: Told
) -> None:
    path = tmp_path / "hub.sqlite"
    last = await killed(path)
    async with Database(path) as database:
        mark = (await intake(database).marks())[STREAM]
        assert mark in (last, last + 1)
        assert mark < ROWS
        rows = await database.read(lamps.history, "l-0", since=0.0, until=1e12)
        assert len(rows) == mark - mark // 10
        await commit(database, mark + 1, ROWS + 1)
        assert await told(database) == undisturbed


async def test_all_rows_from_the_first_again_change_nothing(
    tmp_path: Path, undisturbed: Told
) -> None:
    """As an edge does whose receipts were lost with a hub's disk image of yesterday."""
    path = tmp_path / "hub.sqlite"
    await killed(path)
    async with Database(path) as database:
        await commit(database, 1, ROWS + 1)
        assert await database.read(lamp_meters.next_amend) is None
        assert await told(database) == undisturbed
        await commit(database, 1, ROWS + 1)
        assert await told(database) == undisturbed
