"""Who stands still is named, and only who had begun."""

from gateway.app.pulse import LONGEST_S, Pulse


class Seconds:
    """A monotonic clock of the test's."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_loop_that_beats_goes_on_and_one_that_does_not_stands_still() -> None:
    clock = Seconds()
    pulse = Pulse(clock)
    pulse.beat("steps")
    pulse.beat("windows")
    clock.now += LONGEST_S
    assert pulse.standing() == ()
    clock.now += 1.0
    pulse.beat("windows")
    assert pulse.standing() == ("steps",)
    pulse.beat("steps")
    assert pulse.standing() == ()


def test_a_loop_that_has_not_begun_is_not_waited_for() -> None:
    assert Pulse(Seconds()).standing() == ()
