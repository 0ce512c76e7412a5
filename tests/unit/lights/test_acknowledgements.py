from gateway.lamps import Authority, Outcome, OutcomeState, Override
from gateway.lights.acknowledgements import DEADLINE_S, Acknowledgements
from gateway.lights.bus_words import Failure
from gateway.lights.control import Control
from gateway.lights.following import Following
from gateway.lights.orders import Overrides
from tests.unit.lights.deciding import NOW, FixedPrograms, orders, override

DONE, FAILED, WAITING = OutcomeState.DONE, OutcomeState.FAILED, OutcomeState.WAITING


class Desk:
    """One who says things, and the lamp l-1, which does as the test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.control = Control(FixedPrograms(), orders("l-1"))
        self.acknowledgements = Acknowledgements()
        self.lamp = Following()
        self.lamps = {"l-1": self.lamp}
        self.failure: Failure | None = None
        self.answers = True

    def say(self, *overrides: Override) -> None:
        told = Overrides(overrides)
        self.control.overrides(told, NOW + self.now)
        self.acknowledgements.told(told, self.now)

    def wait(self, seconds: float) -> list[tuple[str, OutcomeState, str]]:
        """Let time pass by tenths, and give the outcomes that were told meanwhile."""
        heard: list[Outcome] = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self._step()
            heard += self.acknowledgements.judge(
                self.control, self.lamps, at=NOW + self.now, now=self.now
            )
        return [(one.override, one.state, one.why) for one in heard]

    def _step(self) -> None:
        self.lamp.want(self.control.decide("l-1", NOW + self.now).level)
        if self.lamp.due(self.now):
            self.lamp.sent(self.now)
            self.lamp.commanded(self.lamp.wanted, self.failure, self.now, settings=True)
        if self.failure is not None:
            self.lamp.missed(self.failure)
        elif self.answers:
            self.lamp.polled(self.lamp.wanted, autonomous=False)


def test_a_lamp_that_follows_is_done_at_once_and_told_once() -> None:
    desk = Desk()
    desk.say(override("o", 20.0))
    assert desk.wait(0.1) == [("o", DONE, "")]
    desk.say(override("o", 20.0))
    assert desk.wait(5) == []


def test_a_lamp_that_does_not_answer_is_told_in_time_and_again_when_it_follows() -> None:
    desk = Desk()
    desk.failure = Failure.SILENCE
    desk.say(override("o", 20.0))
    assert desk.wait(DEADLINE_S - 0.1) == []
    assert desk.wait(0.2) == [("o", FAILED, "no_answer")]
    assert desk.wait(5) == []
    desk.failure = None
    assert desk.wait(0.3) == [("o", DONE, "")]


def test_a_bus_that_is_down_is_told_as_such() -> None:
    desk = Desk()
    desk.failure = Failure.BUS_DOWN
    desk.say(override("o", 20.0))
    assert desk.wait(3) == [("o", FAILED, "bus_down")]


def test_a_lamp_that_answers_and_does_something_else_does_not_follow() -> None:
    desk = Desk()
    desk.answers = False
    desk.wait(0.1)
    desk.say(override("o", 20.0))
    desk.wait(0.1)
    for _ in range(2):
        desk.lamp.polled(60.0, autonomous=False)
    assert desk.wait(1) == [], "it is told again first"
    assert desk.wait(1) == [("o", FAILED, "not_followed")]
    desk.answers = True
    assert desk.wait(1) == [("o", DONE, "")]


def test_a_lamp_that_took_the_write_and_was_not_polled_yet_is_believed_at_the_deadline() -> None:
    desk = Desk()
    desk.answers = False
    desk.say(override("o", 20.0))
    assert desk.wait(3) == [("o", DONE, "")]
    desk.answers = True
    assert desk.wait(1) == []


def test_a_lamp_that_the_orders_do_not_name_is_unknown() -> None:
    desk = Desk()
    desk.say(override("o", 20.0, Authority.STAFF, "l-9"))
    assert desk.wait(DEADLINE_S - 0.1) == [], "its orders may come right behind"
    assert desk.wait(1) == [("o", FAILED, "unknown_lamp")]


def test_what_a_higher_authority_holds_is_outranked_until_that_ends() -> None:
    desk = Desk()
    safety = override("s", 100.0, Authority.SAFETY, minutes=0.05)
    desk.say(override("o", 20.0), safety)
    assert set(desk.wait(0.1)) == {("s", DONE, ""), ("o", FAILED, "outranked")}
    assert desk.wait(4) == [("o", DONE, "")]


def test_an_override_of_later_waits_and_is_then_done() -> None:
    desk = Desk()
    desk.say(override("o", 20.0, start=NOW + 5))
    assert desk.wait(1) == [("o", WAITING, "")]
    assert desk.wait(5) == [("o", DONE, "")]


def test_an_override_that_comes_too_late_has_expired() -> None:
    desk = Desk()
    desk.say(override("o", 20.0, made_at=NOW - 3_600))
    assert desk.wait(1) == [("o", FAILED, "expired")]


def test_an_override_that_failed_is_not_told_again_when_it_expires() -> None:
    desk = Desk()
    desk.failure = Failure.SILENCE
    desk.say(override("o", 20.0, minutes=0.1))
    assert desk.wait(10) == [("o", FAILED, "no_answer")]
    assert not desk.acknowledgements.waiting


def test_going_on_with_the_program_is_done_when_the_lamp_follows_it() -> None:
    desk = Desk()
    desk.say(override("a", 20.0))
    desk.wait(1)
    desk.say(override("a", 20.0), override("b", None, made_at=NOW + 1))
    assert desk.wait(1) == [("b", DONE, "")]
    assert desk.lamp.wanted == 60.0


def test_a_blinking_lamp_is_done_with_its_first_write() -> None:
    desk = Desk()
    desk.answers = False
    desk.say(override("o", None, Authority.TECHNICIAN, blink=True))
    assert desk.wait(0.1) == [("o", DONE, "")]


def test_an_override_that_is_taken_back_is_no_longer_waited_for() -> None:
    desk = Desk()
    desk.failure = Failure.SILENCE
    desk.say(override("o", 20.0))
    assert desk.acknowledgements.waiting == {"l-1"}
    desk.say()
    assert desk.wait(5) == []
    assert not desk.acknowledgements.waiting


def test_with_an_unset_clock_nothing_is_said_of_an_override_that_cannot_be_judged() -> None:
    desk = Desk()
    told = Overrides((override("o", 20.0),))
    desk.control.overrides(told, 12.0, stored=True)
    desk.acknowledgements.told(told, desk.now)
    judge = desk.acknowledgements.judge
    assert judge(desk.control, desk.lamps, at=20.0, now=8.0, synced=False) == []
    desk.now = 9.0
    assert desk.wait(0.1) == [("o", DONE, "")]
