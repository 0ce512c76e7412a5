"""A delivery ends when every line is accepted or set aside; until then it waits and tells."""

import errno
import json
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from structlog.testing import capture_logs

from gateway.clock import Clock
from gateway.outputs.delivery import (
    LONGEST_OBEYED_WAIT_S,
    MAX_LINES,
    Accepted,
    Delivery,
    Outcome,
    Refused,
    Unavailable,
)
from gateway.outputs.influx import influx_writer
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings
from tests.unit.outputs.fake_influx import Answer, FakeInflux, error

FROZEN = Clock(start=50.0, rate=0.0)
DOWN = Unavailable("unreachable", "start it")


class ScriptedWriter:
    """Answers from a list, then accepts; keeps what it was offered."""

    def __init__(self, *script: Outcome) -> None:
        self.offered: list[list[str]] = []
        self._script = list(script)

    async def write(self, lines: Sequence[str]) -> Outcome:
        """The next answer."""
        self.offered.append(list(lines))
        return self._script.pop(0) if self._script else Accepted()


class Waits:
    """A sleep that takes no time and remembers how long it was to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Remember and return."""
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    """What a delivery slept."""
    return Waits()


def _delivery(writer: ScriptedWriter, waits: Waits, folder: Path) -> Delivery:
    return Delivery(writer, Quarantine(folder / "q.jsonl"), clock=FROZEN, sleep=waits.sleep)


def _quarantined(folder: Path) -> list[str]:
    file = folder / "q.jsonl"
    return (
        [json.loads(row)["line"] for row in file.read_text().splitlines()] if file.exists() else []
    )


async def test_the_same_lines_are_offered_until_they_are_accepted(
    tmp_path: Path, waits: Waits
) -> None:
    writer = ScriptedWriter(DOWN, DOWN, DOWN)
    delivery = _delivery(writer, waits, tmp_path)
    await delivery.deliver(["a", "b"])
    assert writer.offered == [["a", "b"]] * 4
    assert delivery.counts.accepted == 2
    assert delivery.counts.waits == {"unreachable": 3}


async def test_waits_double_up_to_the_longest_and_start_anew_after_a_success(
    tmp_path: Path, waits: Waits
) -> None:
    delivery = _delivery(ScriptedWriter(*[DOWN] * 7, Accepted(), DOWN), waits, tmp_path)
    await delivery.deliver(["a"])
    await delivery.deliver(["b"])
    assert waits.seconds == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 1.0]


async def test_a_server_that_asks_for_patience_gets_it_within_reason(
    tmp_path: Path, waits: Waits
) -> None:
    writer = ScriptedWriter(
        Unavailable("busy", "", retry_after_s=12.0),
        Unavailable("busy", "", retry_after_s=0.5),
        Unavailable("busy", "", retry_after_s=1e9),
    )
    await _delivery(writer, waits, tmp_path).deliver(["a"])
    assert waits.seconds == [12.0, 2.0, LONGEST_OBEYED_WAIT_S]


async def test_a_problem_is_told_when_it_changes_and_when_it_ends(
    tmp_path: Path, waits: Waits
) -> None:
    locked = Unavailable("not_allowed", "check the token")
    delivery = _delivery(ScriptedWriter(DOWN, DOWN, locked, locked), waits, tmp_path)
    with capture_logs() as logs:
        await delivery.deliver(["a"])
    assert [(log["event"], log.get("problem", log.get("after"))) for log in logs] == [
        ("InfluxDB takes nothing; the hub keeps its rows", "unreachable"),
        ("InfluxDB takes nothing; the hub keeps its rows", "not_allowed"),
        ("InfluxDB takes lines again", "not_allowed"),
    ]
    assert logs[1]["advice"] == "check the token"


async def test_a_large_delivery_goes_in_requests_of_a_size_that_influxdb_takes(
    tmp_path: Path, waits: Waits
) -> None:
    writer = ScriptedWriter()
    lines = [str(number) for number in range(2 * MAX_LINES + 1)]
    await _delivery(writer, waits, tmp_path).deliver(lines)
    assert [len(offer) for offer in writer.offered] == [MAX_LINES, MAX_LINES, 1]
    assert [line for offer in writer.offered for line in offer] == lines


async def test_nothing_to_deliver_asks_nobody(tmp_path: Path, waits: Waits) -> None:
    writer = ScriptedWriter()
    await _delivery(writer, waits, tmp_path).deliver([])
    assert writer.offered == []


async def test_a_line_refused_alone_is_set_aside_with_the_servers_words(
    tmp_path: Path, waits: Waits
) -> None:
    delivery = _delivery(ScriptedWriter(Refused("field type conflict")), waits, tmp_path)
    with capture_logs() as logs:
        await delivery.deliver(["secret,tag=t1 lon=140.9 1"])
    assert json.loads((tmp_path / "q.jsonl").read_text()) == {
        "at": 50.0,
        "reason": "field type conflict",
        "line": "secret,tag=t1 lon=140.9 1",
    }
    assert delivery.counts.quarantined == 1
    assert "140.9" not in str(logs)


async def test_a_quarantine_that_cannot_be_written_holds_the_line_back(
    tmp_path: Path,
) -> None:
    blocker = tmp_path / "folder"
    blocker.write_text("a file where the folder should be")
    slept: list[float] = []

    async def mend(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            blocker.unlink()

    delivery = Delivery(
        ScriptedWriter(Refused("bad")), Quarantine(blocker / "q.jsonl"), clock=Clock(), sleep=mend
    )
    with capture_logs() as logs:
        await delivery.deliver(["a"])
    assert slept == [1.0, 2.0]
    assert delivery.counts.waits == {"quarantine_unwritable": 2}
    assert "folder" in logs[0]["advice"]
    assert _quarantined(blocker) == ["a"]


class FullOnce(Quarantine):
    """A disk that is full at the first try: what is written says so, and names no file."""

    def add(self, lines: Sequence[str], *, reason: str, at: float) -> None:
        """Full, then not."""
        if not self.path.exists():
            self.path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        super().add(lines, reason=reason, at=at)


async def test_a_full_disk_of_the_quarantine_is_told_with_the_file(
    tmp_path: Path, waits: Waits
) -> None:
    writer = ScriptedWriter(Refused("bad"))
    delivery = Delivery(writer, FullOnce(tmp_path / "q"), clock=Clock(), sleep=waits.sleep)
    with capture_logs() as logs:
        await delivery.deliver(["a"])
    assert logs[0]["advice"].startswith(f"{tmp_path / 'q'}: No space left on device.")
    assert delivery.counts.quarantined == 1


@pytest.fixture(params=["1.x keeps good lines", "2.x keeps none", "2.x says 422", "413 above 10"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[FakeInflux]:
    """The ways in which servers refuse a batch."""
    fakes = {
        "1.x keeps good lines": FakeInflux(keeps_good_lines=True),
        "2.x keeps none": FakeInflux(),
        "2.x says 422": FakeInflux(refusal=422),
        "413 above 10": FakeInflux(max_lines=10),
    }
    async with fakes[request.param] as fake:
        yield fake


@pytest.mark.parametrize("bad", [0, 1, 3, 40])
async def test_exactly_the_bad_lines_are_set_aside_however_the_server_refuses(
    server: FakeInflux, tmp_path: Path, waits: Waits, bad: int
) -> None:
    randomness = random.Random(bad)
    bad_ones = set(randomness.sample(range(40), bad))
    lines = [f"m,t={n} {'bad' if n in bad_ones else 'x=1.0'} 1" for n in range(40)]
    server.script += [error(500, "once"), Answer(429, headers=(("Retry-After", "2"),))]
    settings = InfluxSettings(version=2, url=server.url)
    async with influx_writer(settings, secret="token") as writer:
        delivery = Delivery(
            writer, Quarantine(tmp_path / "q.jsonl"), clock=Clock(), sleep=waits.sleep
        )
        await delivery.deliver(lines)
    assert _quarantined(tmp_path) == [line for line in lines if " bad" in line]
    assert {series for series, _ in server.points} == {
        f"m,t={n}" for n in range(40) if n not in bad_ones
    }
    assert (delivery.counts.accepted, delivery.counts.quarantined) == (40 - bad, bad)


async def test_one_bad_line_among_a_thousand_costs_few_requests(
    tmp_path: Path, waits: Waits
) -> None:
    lines = [f"m,t={n} {'bad' if n == 617 else 'x=1.0'} 1" for n in range(1000)]
    async with (
        FakeInflux() as server,
        influx_writer(InfluxSettings(version=1, url=server.url), secret="") as writer,
    ):
        delivery = Delivery(
            writer, Quarantine(tmp_path / "q.jsonl"), clock=Clock(), sleep=waits.sleep
        )
        await delivery.deliver(lines)
        assert len(server.requests) <= 1 + 2 * 10
    assert _quarantined(tmp_path) == [lines[617]]


@pytest.mark.parametrize("version", [1, 2])
async def test_lines_that_are_all_older_than_the_retention_cost_one_request(
    tmp_path: Path, waits: Waits, version: Literal[1, 2]
) -> None:
    old = [f"m,t={n} x=1.0 {n}" for n in range(1000)]
    async with (
        FakeInflux(oldest_at=5_000) as server,
        influx_writer(InfluxSettings(version=version, url=server.url), secret="") as writer,
    ):
        delivery = Delivery(
            writer, Quarantine(tmp_path / "q.jsonl"), clock=Clock(), sleep=waits.sleep
        )
        await delivery.deliver(old)
        assert len(server.requests) == 1
        await delivery.deliver(["m,t=1 x=1.0 6000", *old, "m,t=2 x=1.0 6000"])
        assert len(server.points) == 2
    assert _quarantined(tmp_path) == [*old, *old]
    assert delivery.counts.quarantined == 2 * len(old)
