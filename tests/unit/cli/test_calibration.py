"""`machimori calibration`: list, show, undo, run."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.store import calibrations
from gateway.store.database import Database
from gateway.tags.calibration import Calibration
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault, Verdict
from gateway.tags.propagation import Radio
from tests.unit.app.nights import EVENING, live_through, write_road

LEARNED_AT = 1_800_000_000.0  # 2027-01-15 17:00 in Tokyo
LEARNED = Calibration(
    at=LEARNED_AT,
    beliefs={"r-1": Belief(Radio(power_dbm=-61.5, exponent=2.2), 0.8, 0.1)},
    left_out=("r-1",),
    verdicts=(Verdict("r-1", Fault.SWAPPED, 25.5, other="r-2"),),
    before=-9.5,
    after=-8.25,
    accepted=True,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a hub on a road, at the evening of a day of walks."""
    write_road(tmp_path)
    file = tmp_path / "gateway.toml"
    clock = f"[clock]\nstart = {EVENING + 60.0}\nanchor = 0.0\nrate = 1e-9\n"
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n{clock}', encoding="utf-8")
    return file


def hub(config: Path) -> Database:
    return Database(config.parent / "state" / "hub.sqlite", owner=False)


@pytest.fixture
def learned(config: Path) -> Path:
    """Two nights were learned from."""

    async def work() -> None:
        async with hub(config) as database:
            await database.write(calibrations.add, LEARNED, upon=None, at=LEARNED_AT)
            await database.write(calibrations.add, LEARNED, upon=1, at=LEARNED_AT + 86_400.0)

    asyncio.run(work())
    return config


def in_force(config: Path) -> int | None:
    async def found() -> int | None:
        async with hub(config) as database:
            return await database.read(calibrations.in_force)

    return asyncio.run(found())


def calibration(config: Path, *arguments: str) -> int:
    return run_command_line(["calibration", *arguments, "--config", str(config)])


def test_all_are_listed_newest_first_with_what_became_of_them(
    learned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibration(learned, "undo") == 0
    capsys.readouterr()
    assert calibration(learned, "list") == 0
    _, newest, first = capsys.readouterr().out.splitlines()
    assert newest.split() == ["2", "2027-01-16", "17:00", "-9.500", "-8.250", "yes", "undone"]
    assert first.split() == ["1", "2027-01-15", "17:00", "-9.500", "-8.250", "yes", "in", "force"]
    assert calibration(learned, "list", "--limit", "1") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_before_the_first_night_the_list_says_so(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibration(config, "list") == 0
    assert "Nothing has been learned yet" in capsys.readouterr().out


@pytest.mark.parametrize(("wanted", "number"), [((), 2), (("1",), 1)])
def test_one_is_shown_with_its_receivers_and_their_faults(
    learned: Path, capsys: pytest.CaptureFixture[str], wanted: tuple[str, ...], number: int
) -> None:
    assert calibration(learned, "show", *wanted) == 0
    told = capsys.readouterr().out
    assert f"Calibration {number}," in told
    assert "score -9.500 before, -8.250 after: kept" in told
    assert "-61.5 ± 0.8" in told
    assert "left out" in told
    assert "r-1: swapped with r-2 (25.5 nats)" in told


def test_a_receiver_that_is_left_out_is_shown_also_where_no_radio_was_learned(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        nothing_kept = replace(LEARNED, beliefs={}, accepted=False)
        async with hub(config) as database:
            await database.write(calibrations.add, nothing_kept, upon=None, at=LEARNED_AT)

    asyncio.run(work())
    assert calibration(config, "show") == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "left out" in line)
    assert row.split() == ["r-1", "–", "–", "–", "–", "left", "out"]


@pytest.mark.parametrize("arguments", [("show",), ("show", "7"), ("undo",)])
def test_what_is_not_there_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert calibration(config, *arguments) == 2
    assert "o calibration" in capsys.readouterr().err


def test_undoing_says_what_is_in_force_instead(
    learned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibration(learned, "undo") == 0
    assert "Calibration 2 is undone; calibration 1 is in force" in capsys.readouterr().out
    assert in_force(learned) == 1
    assert calibration(learned, "undo") == 0
    assert "the site's file alone is in force" in capsys.readouterr().out
    assert in_force(learned) is None


def test_a_run_learns_from_the_day_and_says_what_is_wrong(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        async with hub(config) as database:
            await database.write(live_through)

    asyncio.run(work())
    assert calibration(config, "run") == 0
    told = capsys.readouterr().out
    assert "Calibration 1 is in force: score " in told
    assert "r-2: dead" in told
    assert in_force(config) == 1
    assert calibration(config, "run") == 0
    assert "Too little was heard" in capsys.readouterr().out
    assert in_force(config) == 1
