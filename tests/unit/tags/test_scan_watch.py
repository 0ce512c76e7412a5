import pytest

from gateway.tags.scan_watch import Patience, Rate, Silence, Step


def heard_every(silence: Silence, gap_s: float, *, until: float) -> float:
    """A scan from 0 on, with something heard at every `gap_s`; returns when the last was."""
    silence.scanning(0.0)
    at = 0.0
    while at + gap_s <= until:
        at += gap_s
        silence.heard(at)
    return at


def test_an_adapter_that_never_heard_has_a_minute() -> None:
    silence = Silence(Patience())
    silence.scanning(1000.0)
    assert silence.due(1059.9) is None
    assert silence.due(1060.0) is Step.NEW_SCAN
    assert silence.overdue


@pytest.mark.parametrize(
    ("usual_gap_s", "limit_s"), [(0.01, 30.0), (5.0, 30.0), (20.0, 80.0), (400.0, 600.0)]
)
def test_silence_is_measured_by_the_gaps_that_are_usual_there(
    usual_gap_s: float, limit_s: float
) -> None:
    silence = Silence(Patience(least_s=30.0, most_s=600.0))
    last = heard_every(silence, usual_gap_s, until=800.0)
    assert silence.limit_s(last) == pytest.approx(limit_s)


def test_the_night_teaches_patience_and_the_day_forgets_it() -> None:
    silence = Silence(Patience())
    last = heard_every(silence, 1.0, until=100.0)
    silence.heard(last + 25.0)
    assert silence.limit_s(last + 25.0) == pytest.approx(100.0)
    assert silence.limit_s(last + 25.0 + 2 * 3600.0) == 30.0


def test_a_silence_that_a_new_scan_ended_is_not_taken_for_usual() -> None:
    silence = Silence(Patience())
    last = heard_every(silence, 1.0, until=100.0)
    assert silence.due(last + 50.0) is Step.NEW_SCAN
    silence.scanning(last + 51.0)
    silence.heard(last + 52.0)
    assert not silence.overdue
    assert silence.limit_s(last + 52.0) == 30.0


def test_a_silence_that_went_on_after_a_new_scan_was_the_places_own() -> None:
    silence = Silence(Patience())
    last = heard_every(silence, 1.0, until=100.0)
    assert silence.due(last + 50.0) is Step.NEW_SCAN
    silence.scanning(last + 50.0)
    silence.heard(last + 75.0)
    assert silence.limit_s(last + 75.0) == pytest.approx(300.0)


def test_each_step_waits_for_its_silence_and_the_last_one_is_repeated_ever_more_seldom() -> None:
    silence = Silence(Patience(first_s=60.0, quiet_most_s=300.0))
    now, steps = 0.0, []
    for _ in range(7):
        silence.scanning(now)
        since = now
        while (step := silence.due(now)) is None:
            now += 1.0
        steps.append((step, now - since))
    assert steps == [
        (Step.NEW_SCAN, 60.0),
        (Step.POWER_CYCLE, 60.0),
        (Step.REPORT, 60.0),
        (Step.REPORT, 120.0),
        (Step.REPORT, 240.0),
        (Step.REPORT, 300.0),
        (Step.REPORT, 300.0),
    ]


def told_in_a_night(silence: Silence, gaps_s: list[float], *, since: float) -> int:
    """How often people are called, with passers-by at those gaps."""
    now, told = since, 0
    for gap_s in gaps_s:
        for _ in range(int(gap_s)):
            now += 1.0
            step = silence.due(now)
            told += step is Step.REPORT
            if step is not None:
                silence.scanning(now)
        silence.heard(now)
    return told


def test_quiet_nights_call_nobody_and_a_deaf_adapter_does() -> None:
    silence = Silence(Patience())
    silence.scanning(0.0)
    nights = [[240.0, 540.0, 300.0] * 3, [240.0, 900.0, 30.0], [500.0, 240.0, 900.0]]
    now = 0.0
    for night in nights:
        for _ in range(18 * 60):
            now += 60.0
            silence.heard(now)
        assert told_in_a_night(silence, night, since=now) == 0
        now += sum(night)
    assert told_in_a_night(silence, [2 * 3600.0], since=now) > 0


def test_adverts_that_cannot_be_used_are_told_without_waiting() -> None:
    silence = Silence(Patience())
    last = heard_every(silence, 1.0, until=100.0)
    now, steps = last, []
    while now < last + 95.0:
        now += 1.0
        step = silence.due(now, is_sure=True)
        if step is not None:
            steps.append(step)
            silence.scanning(now)
    assert steps == [Step.NEW_SCAN, Step.POWER_CYCLE, Step.REPORT]


def test_the_rate_follows_within_seconds() -> None:
    rate = Rate()
    assert rate.per_s == 0.0
    rate.update(50, 1.0)
    assert rate.per_s == 50.0
    for _ in range(60):
        rate.update(50, 1.0)
    assert rate.per_s == pytest.approx(50.0, rel=0.01)
    for _ in range(10):
        rate.update(0, 1.0)
    assert rate.per_s == pytest.approx(12.5, rel=0.01)
