"""Every way in which a server fails, in any order: each line ends in one place, and is counted.

What a server was given is compared with what it has, and what it refused with the quarantine.
"""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

from gateway.clock import Clock
from gateway.outputs.delivery import LONGEST_WAIT_S, Delivery, Unavailable
from gateway.outputs.influx import influx_writer
from gateway.outputs.quarantine import Quarantine
from gateway.settings import InfluxSettings
from tests.unit.outputs.fake_influx import Answer, FakeInflux, error
from tests.unit.outputs.line_protocol import read_line

OLDEST_MS = 1_000
ANSWER_TIMEOUT_S = 0.5  # beyond what a busy machine needs for an answer

# What a server may say, with the problem that a delivery is to count for it. In a `keeps` answer
# the server had taken the lines: they come again, which must change nothing.
FAULTS: dict[str, tuple[Answer, str]] = {
    "401": (error(401, "unauthorized access"), "not_allowed"),
    "403": (error(403, "insufficient permissions"), "not_allowed"),
    "404": (error(404, "bucket not found"), "no_database"),
    "429 seconds": (Answer(429, headers=(("Retry-After", "40"),)), "busy"),
    "429 date": (
        Answer(
            429,
            headers=(
                ("Retry-After", "Wed, 21 Oct 2026 12:00:50 GMT"),
                ("Date", "Wed, 21 Oct 2026 12:00:00 GMT"),
            ),
        ),
        "busy",
    ),
    "429": (Answer(429), "busy"),
    "500": (error(500, "engine"), "server_error"),
    "500 kept": (error(500, "timeout", keeps=True), "server_error"),
    "502": (Answer(502, "<html>"), "server_error"),
    "503": (Answer(503, headers=(("Retry-After", "35"),)), "busy"),
    "portal": (Answer(200, "<html>"), "unexpected_answer"),
    "hang": (Answer(204, hang=True), "unreachable"),
    "hang kept": (Answer(204, hang=True, keeps=True), "unreachable"),
    "cut in the request": (Answer(204, cut="request"), "unreachable"),
    "cut, kept": (Answer(204, cut="before", keeps=True), "unreachable"),
    "cut in the answer": (error(400, "partial write")._replace(cut="answer"), "unreachable"),
    "slow, kept, cut": (Answer(204, delay_s=0.02, cut="answer", keeps=True), "unreachable"),
}
ASKED_S = {"429 seconds": 40.0, "429 date": 50.0, "503": 35.0}


GOOD = tuple(f"m,t={n % 7} x={n}.5,y={n}i {OLDEST_MS + n}" for n in range(300))
SPOILED = {
    "m,t=1 x=0.5,y=1i": "unable to parse",  # no time of its own
    f"m,t=2 x=0.5,y=2.5 {OLDEST_MS + 1}": "field type conflict",
    f"m,t=3 x=0.5,y=3i {OLDEST_MS - 1}": "beyond retention",
    f"m,t=4 x=nan {OLDEST_MS + 4}": "unable to parse",
}


def _mixed(randomness: random.Random) -> list[str]:
    lines = list(GOOD)
    for line in SPOILED:
        lines.insert(randomness.randrange(1, len(lines)), line)
    return lines


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("seed", range(4))
async def test_every_line_is_with_the_server_or_in_the_quarantine_and_every_wait_is_counted(
    tmp_path: Path, seed: int, version: Literal[1, 2]
) -> None:
    randomness = random.Random(seed)
    lines, struck, slept = _mixed(randomness), list[str](), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    # 1.x keeps what is good beside what it cannot read; 2.x keeps nothing then.
    async with FakeInflux(oldest_at=OLDEST_MS, keeps_good_lines=version == 1) as server:
        settings = InfluxSettings(version=version, url=server.url)
        writer = influx_writer(settings, secret="token", answer_timeout_s=ANSWER_TIMEOUT_S)
        async with writer:
            delivery = Delivery(writer, Quarantine(tmp_path / "q"), clock=Clock(), sleep=sleep)
            while lines:
                now = randomness.sample(sorted(FAULTS), 5)
                server.script += [FAULTS[name][0] for name in now]
                struck += now
                size = randomness.randrange(30, 120)
                await delivery.deliver(lines[:size])
                lines = lines[size:]
    points = [point for line in GOOD if (point := read_line(line))]
    assert server.points == {(point.series, point.at): point.fields for point in points}
    aside = [json.loads(row) for row in (tmp_path / "q").read_text().splitlines()]
    assert sorted(one["line"] for one in aside) == sorted(SPOILED)
    assert [one["line"] for one in aside if SPOILED[one["line"]] not in one["reason"]] == []
    assert delivery.counts.accepted == len(GOOD)
    assert delivery.counts.quarantined == len(SPOILED)
    assert delivery.counts.waits == Counter(FAULTS[name][1] for name in struck)
    assert len(slept) == len(struck)
    asked = [ASKED_S[name] for name in struck if name in ASKED_S]
    assert [seconds for seconds in slept if seconds > LONGEST_WAIT_S] == asked


async def test_what_was_taken_before_the_connection_was_cut_is_there_once(tmp_path: Path) -> None:
    async def sleep(_: float) -> None:
        return

    async with FakeInflux() as server:
        settings = InfluxSettings(version=2, url=server.url)
        async with influx_writer(settings, secret="token") as writer:
            server.script += [Answer(204, cut="before", keeps=True)] * 3
            delivery = Delivery(writer, Quarantine(tmp_path / "q"), clock=Clock(), sleep=sleep)
            await delivery.deliver(GOOD)
    assert set(server.writes.values()) == {4}
    assert len(server.points) == len(GOOD)
    assert delivery.counts.accepted == len(GOOD)


async def test_a_token_that_is_changed_and_put_right_costs_no_line(tmp_path: Path) -> None:
    async with FakeInflux(token="right") as server:
        settings = InfluxSettings(version=2, url=server.url)
        async with influx_writer(settings, secret="wrong") as writer:
            outcome = await writer.write(GOOD)
        assert isinstance(outcome, Unavailable)
        assert outcome.problem == "not_allowed"
        assert not server.points
        async with influx_writer(settings, secret="right") as writer:
            await Delivery(writer, Quarantine(tmp_path / "q"), clock=Clock()).deliver(GOOD)
        assert len(server.points) == len(GOOD)
