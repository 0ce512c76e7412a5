from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Gap, Reading, Sighting, Window
from gateway.tags.windows import CATCH_UP_S, HOLD_S, OPEN_MAX, Windows

HOUR_S = 3600


def heard(at: float, *, receiver: str = "r1", identifier: str = "tag", rssi: int = -70) -> Sighting:
    return Sighting(at, receiver, identifier, rssi)


@dataclass
class Gateway:
    """Windows with a clock that ticks once a second and can be set; one sighting a second."""

    windows: Windows = field(default_factory=Windows)
    now: float = 10_000.0
    rows: list[Window | Gap] = field(default_factory=list)
    sightings: int = 0

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self.windows.add(heard(self.now + 0.5))
            self.sightings += 1
            self.now += 1
            self.tick()

    def tick(self) -> None:
        self.rows += self.windows.close(self.now, alive=("r1",))

    @property
    def closed(self) -> list[Window]:
        return [row for row in self.rows if isinstance(row, Window)]

    @property
    def gaps(self) -> list[Gap]:
        return [row for row in self.rows if isinstance(row, Gap)]

    @property
    def packets(self) -> int:
        return sum(reading.packets for window in self.closed for reading in window.readings)


def test_a_second_holds_mean_and_strongest_and_count_of_each_pair() -> None:
    windows = Windows()
    windows.close(100.0, alive=())
    for rssi in (-70, -61, -72):
        windows.add(heard(100.2, rssi=rssi))
    windows.add(heard(100.9, receiver="r2", rssi=-90))
    windows.add(heard(100.9, identifier="other", rssi=-50))
    assert windows.close(101.0, alive=()) == [
        Window(
            second=100,
            alive=("r1", "r2"),
            readings=(
                Reading("r1", "other", -50.0, -50, 1),
                Reading("r1", "tag", -67.7, -61, 3),
                Reading("r2", "tag", -90.0, -90, 1),
            ),
        )
    ]


def test_a_running_second_stays_open() -> None:
    windows = Windows()
    windows.close(100.0, alive=())
    windows.add(heard(100.1))
    assert windows.close(100.999, alive=()) == []
    windows.add(heard(100.2))
    [window] = windows.close(101.0, alive=())
    assert isinstance(window, Window)
    assert window.readings[0].packets == 2


def test_silence_is_told_with_the_receivers_that_listened() -> None:
    windows = Windows()
    windows.close(100.0, alive=("r1",))
    assert windows.close(102.0, alive=("r1", "r2")) == [
        Window(100, ("r1", "r2"), ()),
        Window(101, ("r1", "r2"), ()),
    ]


def test_what_was_heard_before_the_first_tick_is_kept() -> None:
    windows = Windows()
    windows.add(heard(99.5))
    [window] = windows.close(100.0, alive=())
    assert isinstance(window, Window)
    assert (window.second, len(window.readings)) == (99, 1)


def test_a_late_sighting_counts_in_the_oldest_open_second() -> None:
    windows = Windows()
    windows.close(100.0, alive=())
    windows.add(heard(99.9))
    [window] = windows.close(101.0, alive=())
    assert isinstance(window, Window)
    assert (window.second, window.readings[0].packets) == (100, 1)
    assert windows.counts == {"late": 1}


def test_a_stale_sighting_is_dropped_and_counted() -> None:
    windows = Windows()
    windows.close(100.0, alive=())
    windows.add(heard(100.0 - HOLD_S - 1))
    assert windows.close(101.0, alive=()) == [Window(100, (), ())]
    assert windows.counts == {"stale": 1}


def identifiers(row: Window | Gap) -> set[str]:
    assert isinstance(row, Window)
    return {reading.identifier for reading in row.readings}


def test_pairs_beyond_the_most_are_dropped_and_those_within_go_on() -> None:
    windows = Windows(max_pairs=2)
    windows.close(100.0, alive=())
    for second in (100, 101):
        for identifier in ("a", "b", "c", "a"):
            windows.add(heard(second + 0.5, identifier=identifier))
        [window] = windows.close(second + 1.0, alive=())
    assert isinstance(window, Window)
    assert [(reading.identifier, reading.packets) for reading in window.readings] == [
        ("a", 2),
        ("b", 1),
    ]


def test_a_crowd_of_new_identifiers_leaves_room_for_those_that_were_there() -> None:
    windows = Windows(max_pairs=100)
    windows.close(100.0, alive=())
    for number in range(60):
        windows.add(heard(100.0 + number / 60, identifier=f"tag-{number}"))
        windows.add(heard(101.0 + number / 60, identifier=f"tag-{number}"))
    windows.close(102.0, alive=())
    for second in range(102, 110):
        for number in range(1_000):
            windows.add(heard(second + 0.1, identifier=f"stranger-{second}-{number}"))
        for number in range(60):
            windows.add(heard(second + 0.9, identifier=f"tag-{number}"))
        [window] = windows.close(second + 1.0, alive=())
        assert len(identifiers(window)) == 100
        assert {f"tag-{number}" for number in range(60)} <= identifiers(window)
    assert windows.counts["pairs_full"] == 8 * 960 + 20  # 20 tags were new with all the others


def test_who_is_new_in_a_crowd_has_room_in_its_second_second() -> None:
    windows = Windows(max_pairs=10)
    windows.close(100.0, alive=())
    for second in (100, 101):
        for number in range(50):
            windows.add(heard(second + 0.1, identifier=f"stranger-{second}-{number}"))
        windows.add(heard(second + 0.9, identifier="tag"))
    first, then = windows.close(102.0, alive=())
    assert "tag" not in identifiers(first)
    assert "tag" in identifiers(then)


def test_without_a_tick_the_open_seconds_are_bounded() -> None:
    windows = Windows()
    for second in range(OPEN_MAX + 5):
        windows.add(heard(float(second)))
    assert windows.counts == {"seconds_full": 5}


def test_a_second_belongs_to_a_right_clock_only_between_two_right_ticks() -> None:
    windows = Windows()
    windows.close(100.0, alive=(), synced=False)
    rows = [windows.close(100.0 + n, alive=(), synced=n > 1)[0] for n in range(1, 4)]
    assert [row.synced for row in rows if isinstance(row, Window)] == [False, False, True]


def test_a_tick_that_is_a_little_late_owes_every_second() -> None:
    gateway = Gateway()
    gateway.live(3)
    gateway.now += CATCH_UP_S
    gateway.tick()
    gateway.live(3)
    assert [window.second for window in gateway.closed] == list(range(10_000, 10_009))
    assert gateway.gaps == []


def test_a_clock_set_forward_an_hour_leaves_a_gap_and_loses_nothing() -> None:
    gateway = Gateway()
    gateway.live(5)
    gateway.windows.add(heard(gateway.now))
    gateway.sightings += 1
    gateway.now += HOUR_S
    gateway.live(5)
    before = list(range(10_000, 10_006))
    after = list(range(10_005 + HOUR_S, 10_010 + HOUR_S))
    assert [window.second for window in gateway.closed] == before + after
    assert gateway.gaps == [Gap(10_006.0, 10_005.0 + HOUR_S, "time_skipped")]
    assert gateway.packets == gateway.sightings
    assert not gateway.windows.counts


def test_a_clock_set_back_an_hour_goes_on_at_once_and_loses_nothing() -> None:
    gateway = Gateway()
    gateway.live(5)
    gateway.windows.add(heard(gateway.now))
    gateway.sightings += 1
    gateway.now -= HOUR_S
    gateway.live(5)
    before = list(range(10_000, 10_006))
    after = list(range(10_005 - HOUR_S, 10_010 - HOUR_S))
    assert [window.second for window in gateway.closed] == before + after
    assert not gateway.closed[5].synced
    assert gateway.gaps == []
    assert gateway.packets == gateway.sightings
    assert gateway.windows.counts == {"clock_back": 1}


def test_a_clock_set_back_a_little_is_waited_for_and_no_second_comes_twice() -> None:
    gateway = Gateway()
    gateway.live(5)
    gateway.now -= HOLD_S
    gateway.live(HOLD_S + 5)
    assert [window.second for window in gateway.closed] == list(range(10_000, 10_010))
    assert gateway.packets == gateway.sightings


STEPS = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.sampled_from([0, 1, 2, 4, 7, 60, HOUR_S, -1, -3, -5, -6, -7, -60, -HOUR_S])
        | st.floats(-10, 10),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_the_clock_does_every_sighting_comes_once(steps: list[tuple[int, float]]) -> None:
    gateway = Gateway()
    gateway.live(2)
    for seconds, jump_s in steps:
        gateway.windows.add(heard(gateway.now))
        gateway.sightings += 1
        gateway.now += jump_s
        gateway.live(seconds)
    gateway.live(HOLD_S + 3)
    gateway.now += 1
    gateway.tick()
    assert gateway.packets == gateway.sightings
    assert gateway.windows.counts.keys() <= {"late", "clock_back"}


@given(STEPS)
def test_seconds_rise_by_one_but_for_named_gaps_and_steps_back(
    steps: list[tuple[int, float]],
) -> None:
    gateway = Gateway()
    for seconds, jump_s in steps:
        gateway.now += jump_s
        gateway.live(seconds)
    expected = None
    backs = 0
    for row in gateway.rows:
        begin = row.second if isinstance(row, Window) else int(row.since)
        if expected is not None and begin < expected:
            backs += 1
        else:
            assert expected in (None, begin)
        expected = begin + 1 if isinstance(row, Window) else int(row.until)
    assert backs <= gateway.windows.counts["clock_back"]
