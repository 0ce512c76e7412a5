"""`machimori lamp set|blink`: words over the programs, from the command line."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.cli.lamp_command import LOOK_EVERY_S, settled
from gateway.cli.lamp_hub import LampError
from gateway.lamps import Authority, Outcome, OutcomeState, Override
from gateway.store import lamp_audit, overrides
from gateway.store.database import Connection, Database
from gateway.store.overrides import StoredOverride
from tests.unit.api.lamp_pieces import NOW
from tests.unit.api.town import HandClock
from tests.unit.cli.lamp_town import LampTown, lamp_town

Err = Callable[[], str]


@pytest.fixture
def town(tmp_path: Path) -> LampTown:
    """Four lamps that a gateway drives and one that nothing does."""
    return lamp_town(tmp_path)


@pytest.fixture
def err(capsys: pytest.CaptureFixture[str]) -> Err:
    """What was complained of since the last time."""
    return lambda: capsys.readouterr().err


def run(town: LampTown, *arguments: str) -> int:
    return run_command_line(["lamp", *arguments, "--config", str(town.config)])


def newest(town: LampTown) -> StoredOverride:
    def read(connection: Connection) -> StoredOverride:
        return overrides.latest(connection, now=NOW, open_only=False, limit=1)[0]

    return town.write(read)


def test_a_level_is_set_for_a_while_and_written_down(
    town: LampTown, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--level", "30", "--minutes", "10", "--reason", "festival", "--no-wait")
    assert run(town, "set", "l-3", "--group", "north", *words) == 0
    said = capsys.readouterr().out
    stored = newest(town)
    override = stored.override
    assert said == f"Override {override.id}, lamps: 3, until 01-15 17:10:00.\n"
    assert (override.lamps, override.level) == (("l-1", "l-2", "l-3"), 30.0)
    assert override.authority is Authority.STAFF
    assert override.expiration == pytest.approx(NOW + 600.0, abs=0.01)
    assert (stored.reason, stored.by) == ("festival", "command line")
    (act,) = town.write(lamp_audit.latest, since=0.0, limit=10)
    assert (act.by, act.action, act.subject) == ("command line", "override", override.id)


def test_lamps_are_given_back_to_their_program(town: LampTown) -> None:
    assert run(town, "set", "--all", "--program", "--technician", "--no-wait") == 0
    override = newest(town).override
    assert (override.level, override.lamps) == (None, ("l-1", "l-2", "l-3", "l-4"))
    assert override.authority is Authority.TECHNICIAN


def test_a_lamp_blinks_with_a_technicians_authority(town: LampTown) -> None:
    assert run(town, "blink", "l-2", "--no-wait") == 0
    override = newest(town).override
    assert (override.blink, override.level, override.authority) == (
        True,
        100.0,
        Authority.TECHNICIAN,
    )
    assert override.expiration == pytest.approx(NOW + 120.0, abs=0.01)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("l-1",), "Give either --level, or --program."),
        (("l-1", "--level", "30", "--program"), "Give either --level, or --program."),
        (("--level", "30"), "That names no lamp."),
        (("l-9", "--level", "30"), "There is no lamp l-9."),
        (("l-5", "--level", "30"), "No gateway drives lamp l-5"),
        (("l-1", "--level", "130"), "less than or equal to 100"),
        (("l-1", "--level", "30", "--minutes", "100000"), "or equal to 10080"),
    ],
)
def test_what_cannot_be_done_is_said(
    town: LampTown, err: Err, words: tuple[str, ...], told: str
) -> None:
    assert run(town, "set", *words) == 2
    assert told in err()
    assert newest(town).override.id == "o-1"


async def test_the_command_waits_until_every_lamp_was_done_or_failed(tmp_path: Path) -> None:
    clock, slept = HandClock(), list[float]()
    async with Database(tmp_path / "hub.sqlite") as database:
        await database.write(_made)

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            clock.forward(seconds)
            if len(slept) == 2:
                done = Outcome("o-9", "l-2", clock.utc(), OutcomeState.DONE)
                await database.write(overrides.record, [done])

        stored = await settled(database, "o-9", clock=clock, sleep=sleep)
        with pytest.raises(LampError, match="not settled"):
            await settled(database, "o-0", clock=clock, sleep=sleep)
    assert slept == [LOOK_EVERY_S] * 2
    assert [one.state for one in stored.outcomes] == [OutcomeState.DONE]


async def test_a_gateway_that_says_nothing_is_away_after_3_seconds(tmp_path: Path) -> None:
    clock = HandClock()

    async def sleep(seconds: float) -> None:
        clock.forward(seconds)

    async with Database(tmp_path / "hub.sqlite") as database:
        await database.write(_made)
        stored = await settled(database, "o-9", clock=clock, sleep=sleep)
    assert [(one.state, one.why) for one in stored.outcomes] == [
        (OutcomeState.FAILED, "gateway_away")
    ]
    assert clock.utc() == pytest.approx(NOW + 3.0, abs=LOOK_EVERY_S)


def test_what_became_of_each_lamp_is_told_and_a_failure_ends_with_1(
    town: LampTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a clock of a thousand times the usual speed, 3 s are over at the first look."""
    text = town.config.read_text().replace("rate = 1e-12", "rate = 1000.0")
    town.config.write_text(text.replace("anchor = 0.0", f"anchor = {time.time()}"))
    assert run(town, "set", "l-1", "--level", "30", "--minutes", "1000") == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["  l-1: failed gateway_away"]


def _made(connection: Connection) -> None:
    said = Override("o-9", ("l-2",), 80.0, Authority.STAFF, NOW, NOW, NOW + 600.0)
    overrides.add(connection, said, reason="", by="suzuki")
