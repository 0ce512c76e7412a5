"""Receivers that speak, hear, fall silent and go, by the test's clock: a tick a second."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.model import Condition
from gateway.tags.receiving import (
    COMMON_MINUTES,
    DAY_S,
    LEAST_S,
    UNKNOWN_S,
    WILL_S,
    WITNESSES,
    Receivers,
    Told,
    Usual,
)

HOUR_S = 3_600
A_DAY = Usual(DAY_S, 60.0)  # seen for a day, in which it was never silent for more than a minute


def deaf(receiver: str, *, over: bool = False) -> Told:
    return Told(receiver, Condition.HEARS_NOTHING, over)


def down(receiver: str, *, over: bool = False) -> Told:
    return Told(receiver, Condition.DOWN, over)


def never(_: int) -> bool:
    return False


@dataclass
class Pole:
    """A gateway's receivers: states every two minutes, adverts as the test says."""

    receivers: Receivers
    now: int = 1_000
    told: list[tuple[int, Told]] = field(default_factory=list)

    def live(
        self,
        seconds: int,
        *,
        speaking: Iterable[str] = ("r-1",),
        hearing: Callable[[int], bool] = never,
        step_s: int = 1,
    ) -> None:
        """`hearing` says in which seconds the first of them hears a stranger."""
        for _ in range(0, seconds, step_s):
            self.now += step_s
            for name in speaking:
                if self.now % 120 == 0:
                    self.receivers.spoke(name, self.now, is_state=True)
                if hearing(self.now):
                    self.receivers.spoke(name, self.now)
                    self.receivers.heard(name, "11:11:11:11:11:11", self.now)
            self.told += [(self.now, one) for one in self.receivers.judge(self.now)]

    def news(self) -> list[Told]:
        """What was told since the last call; health that is told once after a start is none."""
        told = [one for _, one in self.told]
        self.told.clear()
        return told


def pole(usual: Usual | None = None, *, remote: Iterable[str] = ("r-1",)) -> Pole:
    known = {} if usual is None else dict.fromkeys(remote, usual)
    receivers = Receivers(timeout_s=150.0, usual=known)
    receivers.follow(remote, 1_000)
    receivers.connection(up=True, now=1_000)
    made = Pole(receivers)
    made.live(300, speaking=remote, hearing=lambda now: now % 10 == 0)
    made.news()
    return made


def test_a_receiver_is_alive_until_its_timeout() -> None:
    receivers = Receivers(timeout_s=90)
    receivers.follow(["r1"], 1_000)
    receivers.spoke("r1", 1_000)
    assert receivers.alive(1_090) == ("r1",)
    assert receivers.alive(1_090.1) == ()
    assert receivers.silent_s(1_010) == {"r1": 10.0}


def test_a_last_will_ends_a_receiver_at_once() -> None:
    receivers = Receivers(timeout_s=90)
    receivers.follow(["r1"], 1_000)
    receivers.spoke("r1", 1_000)
    receivers.gone("r1", 1_000)
    receivers.gone("never-heard", 1_000)
    assert receivers.alive(1_000) == ()


def test_an_adapter_is_alive_while_it_scans() -> None:
    receivers = Receivers(timeout_s=90)
    receivers.follow(["r1"], 1_000)
    receivers.running({"pole-01"}, 1_000)
    receivers.spoke("r1", 1_000)
    assert receivers.alive(1_000) == ("pole-01", "r1")
    receivers.running((), 1_001)
    assert receivers.alive(1_001) == ("r1",)


def test_a_lost_connection_leaves_only_the_adapters() -> None:
    receivers = Receivers(timeout_s=90)
    receivers.follow(["r1"], 1_000)
    receivers.running({"pole-01"}, 1_000)
    receivers.spoke("r1", 1_000)
    receivers.connection(up=False, now=1_000)
    assert receivers.alive(1_000) == ("pole-01",)


def test_health_is_told_once_after_a_start_for_what_was_told_before_it() -> None:
    receivers = Receivers(timeout_s=150.0)
    receivers.follow(["r-1"], 1_000)
    receivers.running({"pole-01"}, 1_000)
    receivers.connection(up=True, now=1_000)
    made = Pole(receivers)
    made.live(600, hearing=lambda now: now % 10 == 0)
    assert set(made.news()) == {
        down("r-1", over=True),
        deaf("r-1", over=True),
        down("pole-01", over=True),
    }
    made.live(600, hearing=lambda now: now % 10 == 0)
    assert made.news() == []


def test_a_receiver_that_hears_nobody_is_deaf_when_that_never_lasted_so_long() -> None:
    made = pole(A_DAY)
    made.live(int(LEAST_S) - 5)
    assert made.news() == []
    assert made.receivers.alive(made.now) == ("r-1",)
    made.live(10)
    assert made.news() == [deaf("r-1")]
    made.live(HOUR_S)
    assert made.news() == []
    assert made.receivers.alive(made.now) == ()


def test_a_deaf_receiver_that_hears_again_is_told_and_its_silence_counts_again() -> None:
    made = pole(A_DAY)
    made.live(HOUR_S)
    assert made.news() == [deaf("r-1")]
    made.live(20, hearing=lambda now: now % 10 == 0)
    assert made.news() == [deaf("r-1", over=True)]
    assert made.receivers.alive(made.now) == ("r-1",)


def test_an_empty_street_at_three_in_the_morning_is_no_alarm_from_the_first_night_on() -> None:
    """Started in the afternoon; nobody passes from one until half past five, seven nights long."""
    made = pole()
    midnight = made.now + 9 * HOUR_S

    def passes(now: int) -> bool:
        since_one = (now - midnight - HOUR_S) % int(DAY_S)
        return since_one > 4.5 * HOUR_S and now % 40 == 0

    made.live(7 * int(DAY_S), hearing=passes, step_s=5)
    assert made.news() == []


def test_by_day_it_is_known_after_a_night_how_long_a_street_is_empty() -> None:
    made = pole(Usual(DAY_S, 1_000.0))
    made.live(2_990)
    assert made.news() == []
    made.live(20)
    assert made.news() == [deaf("r-1")]


def test_a_receiver_of_which_little_is_known_has_hours() -> None:
    made = pole()
    made.live(int(UNKNOWN_S) - 10, step_s=5)
    assert made.news() == []
    made.live(20)
    assert made.news() == [deaf("r-1")]


def test_a_silence_that_was_chance_is_learned() -> None:
    made = pole(A_DAY)
    made.live(1_100)
    made.live(20, hearing=lambda now: now % 10 == 0)
    assert made.news() == [deaf("r-1"), deaf("r-1", over=True)]
    assert made.receivers.usual()["r-1"].longest_s == 2 * LEAST_S / 3
    made.live(1_100)
    assert made.news() == []


def test_what_it_counts_itself_shows_that_it_hears() -> None:
    """ESPresense counts adverts of which it reports none; OpenMQTTGateway scans that found any."""
    made = pole(A_DAY)
    for number in range(1, 60):
        made.live(60)
        made.receivers.spoke("r-1", made.now, number=number, is_state=True)
    assert made.news() == []
    for _ in range(20):
        made.live(60)
        made.receivers.spoke("r-1", made.now, number=59, is_state=True)
    assert made.news() == [deaf("r-1")]


def neighbours(senders: int) -> Pole:
    """Two receivers of which little is known; both hear the same things in the houses."""
    made = pole(remote=("r-1", "r-2"))
    for _ in range(COMMON_MINUTES + 1):
        for number in range(senders):
            for name in ("r-1", "r-2"):
                made.receivers.heard(name, f"house-{number}", made.now)
        made.live(60, speaking=("r-1", "r-2"))
    return made


def houses_heard_by_second(made: Pole, senders: int) -> None:
    for _ in range(30):
        for number in range(senders):
            made.receivers.heard("r-2", f"house-{number}", made.now)
        made.live(60, speaking=("r-1", "r-2"))


def test_a_neighbour_that_still_hears_whom_both_heard_tells_it_at_once() -> None:
    made = neighbours(WITNESSES)
    houses_heard_by_second(made, WITNESSES)
    assert made.news() == [deaf("r-1")]


def test_people_who_walked_on_to_the_neighbour_are_no_witnesses() -> None:
    made = neighbours(WITNESSES - 1)
    for number in range(10):  # a family that passes both
        made.receivers.heard("r-1", f"passer-{number}", made.now)
        made.receivers.heard("r-2", f"passer-{number}", made.now)
    houses_heard_by_second(made, 20)
    assert made.news() == []


def test_a_receiver_that_falls_silent_is_down_and_up_again() -> None:
    made = pole(A_DAY)
    made.live(200, speaking=())
    assert made.news() == [down("r-1")]
    made.live(240)
    assert made.news() == [down("r-1", over=True)]


def test_a_last_will_is_believed_after_a_minute() -> None:
    made = pole(A_DAY)
    made.receivers.gone("r-1", made.now)
    made.live(int(WILL_S) - 1, speaking=())
    assert made.news() == []
    made.live(3, speaking=())
    assert made.news() == [down("r-1")]


def test_a_receiver_that_only_reconnects_is_not_down() -> None:
    made = pole(A_DAY)
    made.receivers.gone("r-1", made.now)
    made.live(20, speaking=())
    made.receivers.spoke("r-1", made.now)
    made.live(300)
    assert made.news() == []


def test_a_deaf_receiver_that_goes_is_down_and_no_longer_deaf() -> None:
    made = pole(A_DAY)
    made.live(HOUR_S)
    made.live(200, speaking=())
    assert made.news() == [deaf("r-1"), deaf("r-1", over=True), down("r-1")]


def test_without_the_broker_nothing_is_said_of_remote_receivers() -> None:
    made = pole(A_DAY)
    made.receivers.connection(up=False, now=made.now)
    made.live(HOUR_S, speaking=())
    assert made.news() == []
    made.receivers.connection(up=True, now=made.now)
    made.live(HOUR_S, hearing=lambda now: now % 10 == 0)
    assert made.news() == []


def test_a_receiver_that_did_not_come_back_with_the_broker_is_down() -> None:
    made = pole(A_DAY)
    made.receivers.connection(up=False, now=made.now)
    made.live(60, speaking=())
    made.receivers.connection(up=True, now=made.now)
    made.live(300, speaking=())
    assert made.news() == [down("r-1")]


def test_one_that_sends_no_states_is_not_down_because_nobody_passes() -> None:
    """Theengs Gateway: adverts and a last will only."""
    receivers = Receivers(timeout_s=150.0, usual={"r-1": Usual(DAY_S, 1_000.0)})
    receivers.follow(["r-1"], 1_000)
    receivers.connection(up=True, now=1_000)
    made = Pole(receivers, now=1_001)
    receivers.spoke("r-1", made.now)
    receivers.heard("r-1", "a", made.now)
    made.live(2_900, speaking=())
    assert {one.over for one in made.news()} == {True}
    made.live(200, speaking=())
    assert made.news() == [deaf("r-1")]


def test_what_was_told_of_a_receiver_is_over_when_it_is_another_gateways() -> None:
    made = pole(A_DAY)
    made.live(HOUR_S)
    made.news()
    made.receivers.follow([], made.now)
    made.live(1)
    assert made.news() == [deaf("r-1", over=True)]


def test_the_scanner_of_an_adapter_tells_the_condition_of_its_receiver() -> None:
    receivers = Receivers(timeout_s=150.0)
    receivers.running({"pole-01"}, 1_000)
    receivers.condition(Told("pole-01", Condition.LOSES_ADVERTS, over=False), 1_000)
    assert receivers.alive(1_001) == ()
    receivers.condition(Told("pole-01", Condition.LOSES_ADVERTS, over=True), 1_002)
    assert receivers.alive(1_003) == ("pole-01",)


def test_what_each_hears_a_second_is_a_minutes_mean() -> None:
    made = pole(A_DAY)
    made.live(600, hearing=lambda _: True)
    assert made.receivers.adverts_per_s() == {"r-1": 1.0}
    made.live(60)
    assert 0.3 < made.receivers.adverts_per_s()["r-1"] < 0.4
