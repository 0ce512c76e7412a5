"""What a bus asks next, in simulated time: rounds, commands ahead, silent lamps seldom."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from gateway.lights.bus_words import Failure, NodeCommand
from gateway.lights.polling import OnBus, Polling, Read, Tell
from gateway.lights.profiles import Block, Profile, load_profiles
from gateway.settings import config_dir

POLL_S = 0.025
MISS_S = 0.43  # a time-out of 0.13 s and the quiet time of 0.3 s after it


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profiles(config_dir() / "lamps")["generic"]


def _lamps(profile: Profile, count: int) -> list[OnBus]:
    return [OnBus(f"l-{unit}", unit, profile) for unit in range(1, count + 1)]


@dataclass
class Wire:
    """Answers in no real time: `dead` lamps are silent, `flaky` ones every second time."""

    polling: Polling
    dead: set[str] = field(default_factory=set)
    flaky: set[str] = field(default_factory=set)
    now: float = 0.0
    asked: list[tuple[float, Read | Tell]] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)

    def run(self, until: float) -> None:
        while self.now < until:
            job = self.polling.next(self.now)
            if job is None:
                self.now = min(until, max(self.polling.due_at(self.now), self.now + 1e-9))
                continue
            self.asked.append((self.now, job))
            lamp = job.on.lamp
            self.count[lamp] += 1
            even = self.count[lamp] % 2 == 0
            if lamp in self.dead or (lamp in self.flaky and even):
                self.now += MISS_S
                self.polling.failed(job, Failure.SILENCE, self.now)
            else:
                self.now += POLL_S
                self.polling.answered(job, self.now)

    def times(self, lamp: str, *, every_s: float = 0.0) -> list[float]:
        return [
            at
            for at, job in self.asked
            if isinstance(job, Read) and job.on.lamp == lamp and job.block.every_s == every_s
        ]


def test_each_lamp_is_asked_once_a_round_in_order(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 4), round_s=1.0))
    wire.run(3.0)
    fast = [job.on.lamp for _, job in wire.asked if isinstance(job, Read) and not job.block.every_s]
    assert fast == ["l-1", "l-2", "l-3", "l-4"] * 3


def test_a_round_does_not_begin_before_its_time(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 2), round_s=1.0))
    wire.run(10.0)
    assert wire.times("l-1") == pytest.approx([float(at) for at in range(10)])
    assert wire.polling.last_round_s == pytest.approx(2 * POLL_S)


def test_what_is_asked_now_and_then_is_spread_over_the_rounds(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 32), round_s=1.0))
    wire.run(300.0)
    for lamp in wire.polling.lamps:
        gaps = [b - a for a, b in pairwise(wire.times(lamp, every_s=60))]
        assert len(gaps) == 4
        assert all(60.0 <= gap < 62.0 for gap in gaps)
    longest = max(Counter(int(at) for at, _ in wire.asked).values())
    assert longest <= 32 + 32 // 8


def test_a_command_goes_ahead_of_every_poll(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 8), round_s=1.0)
    assert isinstance(polling.next(0.0), Read)
    polling.command(NodeCommand("l-5", level=50.0))
    job = polling.next(0.1)
    assert isinstance(job, Tell)
    assert job.command == NodeCommand("l-5", level=50.0)
    assert isinstance(polling.next(0.2), Read)


def test_a_lamp_that_was_told_a_level_is_asked_next_whether_it_follows(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 8), round_s=1.0)
    assert polling.next(0.0) is not None
    for lamp in ("l-5", "l-6"):
        polling.command(NodeCommand(lamp, level=50.0))
    for _ in range(2):
        told = polling.next(0.1)
        assert isinstance(told, Tell)
        polling.answered(told, 0.1)
    asked = [job.on.lamp for job in iter(lambda: polling.next(0.2), None)]
    assert asked[:7] == ["l-6", "l-5", "l-2", "l-3", "l-4", "l-7", "l-8"]
    assert asked[7:] == ["l-1"]  # the energy of one


def test_settings_alone_are_told_in_the_midst_of_a_round(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 3), round_s=1.0)
    assert polling.next(0.0) is not None
    polling.command(NodeCommand("l-3", watchdog_s=60.0))
    told = polling.next(0.1)
    assert told is not None
    polling.answered(told, 0.1)
    following = polling.next(0.2)
    assert following is not None
    assert following.on.lamp == "l-2"


def test_what_is_asked_between_two_rounds_does_not_lengthen_one(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 4), round_s=1.0))
    wire.run(0.9)
    wire.polling.command(NodeCommand("l-1", level=5.0))
    wire.run(0.99)
    assert wire.polling.last_round_s == pytest.approx(5 * POLL_S)


def test_commands_to_lamps_that_answer_go_ahead_of_those_that_do_not(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 3), round_s=1.0), dead={"l-1"})
    wire.run(5.0)
    for lamp in ("l-1", "l-2", "l-3"):
        wire.polling.command(NodeCommand(lamp, level=0.0))
    told = [wire.polling.next(5.0) for _ in range(3)]
    assert [job.on.lamp for job in told if job] == ["l-2", "l-3", "l-1"]


def test_the_newest_level_replaces_one_that_waits_and_settings_stay(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 2), round_s=1.0)
    polling.command(NodeCommand("l-1", level=20.0, watchdog_s=60.0, ref="a"))
    polling.command(NodeCommand("l-2", level=10.0))
    polling.command(NodeCommand("l-1", level=80.0, ramp_s=3.0, ref="b"))
    polling.command(NodeCommand("l-1", fallback_level=70.0))
    first, second = polling.next(0.0), polling.next(0.0)
    assert isinstance(first, Tell)
    assert first.command == NodeCommand(
        "l-1", level=80.0, ramp_s=3.0, fallback_level=70.0, watchdog_s=60.0, ref="b"
    )
    assert isinstance(second, Tell)
    assert second.command.lamp == "l-2"
    assert isinstance(polling.next(0.0), Read)


def test_a_lamp_of_another_bus_is_not_commanded(profile: Profile) -> None:
    with pytest.raises(KeyError):
        Polling(_lamps(profile, 1), round_s=1.0).command(NodeCommand("l-9", level=1.0))


def test_a_silent_lamp_is_asked_three_times_at_once_and_then_seldom(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 32), round_s=0.0), dead={"l-7"})
    wire.run(300.0)
    times = wire.times("l-7")
    assert times[2] < 5.0
    gaps = [b - a for a, b in pairwise(times[2:])]
    assert 30.0 <= gaps[0] < 32.0
    assert all(60.0 <= gap < 62.0 for gap in gaps[1:])
    assert wire.polling.backing_off(wire.now) == ("l-7",)


@pytest.mark.parametrize("fault", ["dead", "flaky"])
def test_one_bad_lamp_costs_the_others_at_most_a_twentieth(profile: Profile, fault: str) -> None:
    def polls(**faults: set[str]) -> int:
        wire = Wire(Polling(_lamps(profile, 32), round_s=0.0), **faults)
        wire.run(600.0)
        return len(wire.times("l-1"))

    assert polls(**{fault: {"l-7"}}) >= 0.95 * polls()


def test_a_lamp_that_is_noisy_now_and_then_is_asked_in_every_round(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 1), round_s=1.0)
    for at in range(1000):
        job = polling.next(float(at))
        assert job is not None
        if at % 8:
            polling.answered(job, at + 0.03)
        else:
            polling.failed(job, Failure.CRC, at + 0.4)
        assert not polling.backing_off(float(at))


def test_when_one_comes_back_the_others_are_tried_too(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 32), round_s=1.0), dead={f"l-{n}" for n in range(1, 17)})
    wire.run(200.0)
    assert len(wire.polling.backing_off(wire.now)) == 16
    back, wire.dead = wire.now, set()
    wire.run(back + 63.0)
    assert wire.polling.backing_off(wire.now) == ()
    first = [min(at for at in wire.times(f"l-{n}") if at >= back) for n in range(1, 17)]
    assert max(first) - min(first) < 3.0


def test_a_refusal_is_an_answer(profile: Profile) -> None:
    polling = Polling(_lamps(profile, 1), round_s=0.0)
    for at in range(10):
        job = polling.next(float(at))
        assert job is not None
        polling.failed(job, Failure.EXCEPTION, at + 0.1)
    assert polling.backing_off(10.0) == ()


def test_a_lamp_that_failed_is_not_asked_again_in_the_same_round(profile: Profile) -> None:
    two = replace(profile, blocks=(Block(3, 0, 10, 0.0), Block(3, 50, 10, 0.0)))
    polling = Polling([OnBus("a", 1, two), OnBus("b", 2, two)], round_s=5.0)
    first = polling.next(0.0)
    assert first is not None
    polling.failed(first, Failure.SILENCE, 0.4)
    assert [job.on.lamp for job in (polling.next(0.5), polling.next(0.5)) if job] == ["b", "b"]
    assert polling.next(0.5) is None


def test_lamps_may_change_and_what_is_known_of_the_others_stays(profile: Profile) -> None:
    wire = Wire(Polling(_lamps(profile, 3), round_s=1.0), dead={"l-3"})
    wire.run(5.0)
    wire.polling.command(NodeCommand("l-1", level=5.0))
    wire.polling.follow([*_lamps(profile, 3)[1:], OnBus("l-4", 4, profile)])
    assert wire.polling.lamps == ("l-2", "l-3", "l-4")
    assert wire.polling.backing_off(5.0) == ("l-3",)
    before = len(wire.asked)
    wire.run(7.5)
    assert {job.on.lamp for _, job in wire.asked[before:]} == {"l-2", "l-4"}


def test_a_lamp_that_moved_is_no_longer_the_node_that_was_asked(profile: Profile) -> None:
    one, two = _lamps(profile, 2)
    polling = Polling([one, two], round_s=1.0)
    polling.follow([replace(one, unit=9), replace(two)])
    assert (polling.has(one), polling.has(two)) == (False, True)
    polling.follow([])
    assert not polling.has(two)


def test_a_bus_without_lamps_waits(profile: Profile) -> None:
    polling = Polling([], round_s=1.0)
    assert polling.next(0.0) is None
    assert polling.due_at(0.0) > 60.0
    polling.follow(_lamps(profile, 1))
    assert isinstance(polling.next(1.0), Read)
