"""One clock, real or simulated, and when it follows the machine's."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.clock import (
    AGAIN_S,
    AGREES_S,
    BEHIND_S,
    EARLIEST_TRUE_TIME,
    LOOKS,
    STANDS_S,
    STEP_S,
    Clock,
    ClockSetting,
    ThisMachine,
)

NOW = 1_800_000_000.0
HOUR_S = 3_600.0


@dataclass
class FakeMachine:
    """A machine up for 1,000 s whose clock the test sets."""

    wall_s: float = NOW
    up_s: float = 1_000.0
    vouched: bool = False
    boot: str = "b-1"

    def wall(self) -> float:
        return self.wall_s

    def steady(self) -> float:
        return self.up_s

    def synchronised(self) -> bool:
        return self.vouched

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.up_s += seconds

    def looked_at(self, clock: Clock, *, seconds: float) -> None:
        """Time passes, and the clock looks once a second."""
        for _ in range(round(seconds)):
            self.passes(1.0)
            clock.look()


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


def test_a_plain_clock_tells_the_time_of_the_machine() -> None:
    assert Clock().utc() == pytest.approx(time.time(), abs=0.01)


def test_a_simulated_clock_runs_from_its_start_at_its_rate() -> None:
    anchor = time.time() - 10.0
    clock = Clock(start=EARLIEST_TRUE_TIME, anchor=anchor, rate=60.0)
    assert clock.utc() - EARLIEST_TRUE_TIME == pytest.approx((time.time() - anchor) * 60, abs=1.0)


def test_processes_with_the_same_numbers_tell_the_same_time() -> None:
    anchor = time.time()
    one, other = (Clock(EARLIEST_TRUE_TIME, anchor, 1.0) for _ in range(2))
    assert one.utc() == pytest.approx(other.utc(), abs=0.1)


def test_intervals_grow_at_the_rate_of_the_clock() -> None:
    clock = Clock(start=EARLIEST_TRUE_TIME, rate=10.0)
    before = time.monotonic()
    assert before * 10.0 <= clock.monotonic() <= time.monotonic() * 10.0


def test_a_gateway_that_boots_in_1970_knows_that_its_clock_is_wrong() -> None:
    now = time.time()
    assert not Clock(start=0.0, anchor=now).synced()
    assert Clock(start=EARLIEST_TRUE_TIME + 1, anchor=now).synced()


def test_a_setting_says_what_utc_is_made_of(machine: FakeMachine) -> None:
    clock = Clock(machine=machine)
    assert clock.setting == ClockSetting("b-1", NOW - 1_000.0, known=True)
    machine.passes(60.0)
    assert clock.utc() == clock.setting.offset_s + clock.monotonic() == NOW + 60.0


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_a_step_of_the_machines_clock_alone_changes_nothing(
    machine: FakeMachine, by_s: float
) -> None:
    clock = Clock(machine=machine)
    machine.wall_s += by_s
    machine.looked_at(clock, seconds=STANDS_S / 2)
    assert clock.utc() == NOW + STANDS_S / 2
    machine.wall_s -= by_s
    machine.looked_at(clock, seconds=2 * STANDS_S)
    assert clock.utc() == machine.wall()


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_a_step_that_no_time_server_vouches_for_is_followed_when_it_has_stood_for_a_minute(
    machine: FakeMachine, by_s: float
) -> None:
    clock = Clock(machine=machine)
    machine.wall_s += by_s
    machine.looked_at(clock, seconds=STANDS_S - 1)
    assert clock.utc() == machine.wall() - by_s
    machine.looked_at(clock, seconds=3)
    assert clock.utc() == machine.wall()
    assert clock.synced()


def test_a_step_of_a_synchronised_machine_is_followed_at_the_second_look(
    machine: FakeMachine,
) -> None:
    clock = Clock(machine=machine)
    machine.vouched = True
    machine.wall_s -= 10.0
    machine.looked_at(clock, seconds=LOOKS - 1)
    assert clock.utc() == machine.wall() + 10.0
    machine.looked_at(clock, seconds=1)
    assert clock.utc() == machine.wall()
    assert clock.vouched()


def test_a_clock_that_is_set_again_and_again_is_followed_where_it_comes_to_rest(
    machine: FakeMachine,
) -> None:
    clock = Clock(machine=machine)
    for _ in range(3):
        machine.wall_s += HOUR_S
        machine.looked_at(clock, seconds=STANDS_S - 5)
    assert clock.utc() == machine.wall() - 3 * HOUR_S
    machine.looked_at(clock, seconds=10)
    assert clock.utc() == machine.wall()


def test_what_a_time_server_mends_slowly_is_no_step(machine: FakeMachine) -> None:
    clock, settings = Clock(machine=machine), list[ClockSetting]()
    clock.on_change(lambda _, new: settings.append(new))
    machine.vouched = True
    machine.wall_s += STEP_S - 0.1
    machine.looked_at(clock, seconds=STANDS_S + 10)
    assert settings == []


def test_an_unset_clock_follows_the_first_plausible_time_at_once_and_tells(
    machine: FakeMachine,
) -> None:
    machine.wall_s = 30.0
    clock, told = Clock(machine=machine), list[tuple[ClockSetting, ClockSetting, float]]()
    clock.on_change(lambda old, new: told.append((old, new, clock.utc())))
    unset = clock.setting
    assert not unset.known
    assert not clock.synced()
    machine.looked_at(clock, seconds=100)
    assert clock.setting == unset
    machine.wall_s = NOW
    clock.look()
    assert clock.synced()
    ((old, new, at),) = told
    assert (old, new, at) == (unset, clock.setting, NOW)
    assert new.offset_s - old.offset_s == pytest.approx(NOW - 130.0)


def test_a_clock_behind_what_the_disk_tells_was_not_set(machine: FakeMachine) -> None:
    """Many a machine begins with the time at which it was last shut down, or wrote it down."""
    clock = Clock(machine=machine)
    clock.not_before(NOW + 40 * 60)
    assert not clock.synced()
    assert clock.utc() == NOW
    machine.wall_s += HOUR_S
    clock.look()
    assert clock.synced()
    assert clock.utc() == NOW + HOUR_S


def test_a_clock_a_moment_behind_what_the_disk_tells_is_believed(machine: FakeMachine) -> None:
    clock = Clock(machine=machine)
    clock.not_before(NOW + BEHIND_S - 1)
    assert clock.synced()


def test_a_time_server_wins_over_the_disk(machine: FakeMachine) -> None:
    """The disk has times of a clock that was ahead."""
    machine.vouched = True
    clock = Clock(machine=machine)
    clock.not_before(NOW + HOUR_S)
    assert clock.synced()
    machine.vouched = False
    late = Clock(machine=machine)
    late.not_before(NOW + HOUR_S)
    assert not late.synced()
    machine.vouched = True
    late.look()
    assert late.synced()
    assert late.utc() == NOW


def test_a_clock_behind_the_disk_is_believed_when_a_person_has_set_it(machine: FakeMachine) -> None:
    clock = Clock(machine=machine)
    clock.not_before(NOW + HOUR_S)
    machine.wall_s += 60.0
    machine.looked_at(clock, seconds=STANDS_S - 1)
    assert not clock.synced()
    machine.looked_at(clock, seconds=3)
    assert clock.synced()
    assert clock.utc() == machine.wall()


def test_a_clock_that_agrees_with_anothers_is_believed(machine: FakeMachine) -> None:
    """The disk has times of a clock that was ahead."""
    clock = Clock(machine=machine)
    clock.not_before(NOW + HOUR_S)
    clock.agree("gw-01", 30.0)
    clock.agree("gw-01", NOW + HOUR_S)
    assert not clock.synced()
    clock.agree("gw-01", NOW + AGREES_S - 1)
    assert clock.synced()
    assert clock.utc() == NOW
    machine.looked_at(clock, seconds=10)
    assert clock.synced()


def test_a_clock_that_was_not_set_goes_by_anothers_that_says_it_twice(machine: FakeMachine) -> None:
    """Where no time server can be reached, as in a disaster."""
    machine.wall_s = 100.0
    clock, told = Clock(machine=machine), list[ClockSetting]()
    clock.on_change(lambda _, new: told.append(new))
    clock.agree("gw-01", NOW)
    clock.agree("gw-01", NOW)
    machine.passes(AGAIN_S)
    clock.agree("gw-02", NOW + HOUR_S)  # another says something else, and only once
    assert not clock.synced()
    machine.passes(AGAIN_S)
    clock.agree("gw-02", NOW + HOUR_S + AGAIN_S + 1)
    assert clock.synced()
    assert clock.utc() == NOW + HOUR_S + AGAIN_S + 1
    machine.looked_at(clock, seconds=2 * STANDS_S)
    assert len(told) == 1  # the machine's own is still wrong
    machine.wall_s = NOW + HOUR_S
    machine.vouched = True
    machine.looked_at(clock, seconds=LOOKS)
    assert clock.utc() == machine.wall()


@pytest.mark.parametrize("vouched", [True, False])
def test_a_clock_that_falls_back_to_1970_is_never_followed(
    machine: FakeMachine, *, vouched: bool
) -> None:
    clock = Clock(machine=machine)
    machine.vouched = vouched
    machine.wall_s = 0.0
    machine.looked_at(clock, seconds=3 * STANDS_S)
    assert clock.utc() == NOW + 3 * STANDS_S
    assert clock.synced()


def test_a_simulated_clock_follows_by_its_rate(machine: FakeMachine) -> None:
    clock = Clock(start=NOW, anchor=machine.wall(), rate=10.0, machine=machine)
    before = clock.setting
    machine.vouched = True
    machine.wall_s += 6.0
    machine.looked_at(clock, seconds=LOOKS)
    assert clock.utc() == NOW + (6.0 + LOOKS) * 10
    assert clock.setting.offset_s - before.offset_s == pytest.approx(60.0)
    assert clock.monotonic() == machine.steady() * 10


def test_this_machine_is_known_by_its_start(tmp_path: Path) -> None:
    (tmp_path / "boot_id").write_text("b-2\n")
    assert ThisMachine(boot_file=tmp_path / "boot_id").boot == "b-2"
    nameless = {ThisMachine(boot_file=tmp_path / "nothing").boot for _ in range(2)}
    assert len(nameless) == 2


def test_whether_this_machine_is_synchronised_can_be_asked() -> None:
    assert isinstance(ThisMachine().synchronised(), bool)
