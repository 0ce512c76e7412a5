from itertools import pairwise

import pytest

from gateway.lights.bus_words import Failure
from gateway.lights.following import LOST_S, RETRY_FIRST_S, RETRY_MOST_S, Following, Proof


def told(level: float = 60.0, *, now: float = 0.0, failure: Failure | None = None) -> Following:
    """A lamp that was told `level`, and its settings."""
    lamp = Following()
    lamp.want(level)
    send(lamp, now, failure)
    return lamp


def send(lamp: Following, now: float, failure: Failure | None = None) -> None:
    assert lamp.due(now)
    lamp.sent(now)
    lamp.commanded(lamp.wanted, failure, now, settings=True)


def poll(lamp: Following, feedback: float | None, *, times: int = 1) -> None:
    for _ in range(times):
        lamp.polled(feedback, autonomous=False)


def test_nothing_is_due_before_something_is_decided() -> None:
    assert not Following().due(0.0)


def test_a_new_level_is_due_once_and_at_once() -> None:
    lamp = Following()
    lamp.want(60.0)
    assert lamp.due(0.0)
    lamp.sent(0.0)
    assert not lamp.due(0.1)
    lamp.commanded(60.0, None, 0.1, settings=True)
    assert not lamp.due(1_000.0)
    lamp.want(60.0)
    assert not lamp.due(1_001.0)
    lamp.want(61.0)
    assert lamp.due(1_001.0)


def test_a_level_is_proven_when_the_lamp_says_that_it_follows() -> None:
    lamp = told(60.0)
    assert lamp.proof is Proof.WRITTEN
    poll(lamp, 59.6)
    assert lamp.proof is Proof.FOLLOWED
    lamp.want(20.0)
    assert lamp.proof is Proof.NONE


def test_a_lamp_that_cannot_say_what_it_follows_stays_written() -> None:
    lamp = told(60.0)
    poll(lamp, None, times=5)
    assert lamp.proof is Proof.WRITTEN
    assert not lamp.due(1_000.0)


def test_a_newer_level_does_not_wait_for_the_word_about_the_older() -> None:
    lamp = Following()
    lamp.want(60.0)
    lamp.sent(0.0)
    lamp.want(20.0)
    assert lamp.due(0.1)
    lamp.sent(0.1)
    lamp.commanded(60.0, None, 0.2, settings=False)
    assert lamp.proof is Proof.NONE
    lamp.commanded(20.0, None, 0.3, settings=True)
    assert lamp.proof is Proof.WRITTEN


def test_a_command_of_which_nothing_is_heard_is_sent_again() -> None:
    lamp = Following()
    lamp.want(60.0)
    lamp.sent(0.0)
    assert not lamp.due(LOST_S - 0.1)
    assert lamp.due(LOST_S)


def test_failed_commands_are_sent_again_ever_more_seldom() -> None:
    lamp = told(failure=Failure.SILENCE)
    waits, now = [], 0.0
    for _ in range(12):
        before = now
        while not lamp.due(now):
            now += 0.1
        waits.append(now - before)
        send(lamp, now, Failure.SILENCE)
    assert waits[0] == pytest.approx(RETRY_FIRST_S, abs=0.11)
    assert all(one <= after + 0.11 for one, after in pairwise(waits))
    assert waits[-1] == pytest.approx(RETRY_MOST_S, abs=0.11)
    assert lamp.proof is Proof.NONE
    assert lamp.failure is Failure.SILENCE


def test_a_lamp_that_answers_again_is_told_at_once_and_its_settings_too() -> None:
    lamp = told(failure=Failure.SILENCE)
    for now in range(1, 6):
        lamp.missed(Failure.SILENCE)
        if lamp.due(now):
            send(lamp, now, Failure.SILENCE)
    lamp.polled(100.0, autonomous=False)
    assert lamp.due(5.0)
    assert lamp.settings_due


def test_settings_are_told_until_they_are_taken_and_again_after_silence() -> None:
    lamp = told()
    assert not lamp.settings_due
    for _ in range(2):
        lamp.missed(Failure.SILENCE)
    poll(lamp, 60.0)
    assert not lamp.settings_due, "two missed polls are noise"
    for _ in range(3):
        lamp.missed(Failure.SILENCE)
    poll(lamp, 60.0)
    assert lamp.settings_due
    send(lamp, 1_000.0)
    assert not lamp.settings_due


def test_a_node_that_went_its_own_way_is_told_its_settings_once() -> None:
    lamp = told()
    lamp.polled(60.0, autonomous=True)
    assert lamp.settings_due
    send(lamp, 1.0)
    lamp.polled(60.0, autonomous=True)
    assert not lamp.settings_due


def test_a_lamp_that_does_something_else_is_told_again_and_is_not_proven() -> None:
    lamp = told(60.0)
    poll(lamp, 100.0)
    assert not lamp.due(10.0), "that may have been read before it was told"
    poll(lamp, 100.0)
    assert lamp.proof is Proof.REFUSED
    assert lamp.due(10.0)
    send(lamp, 10.0)
    poll(lamp, 60.0)
    assert lamp.proof is Proof.FOLLOWED


def test_a_lamp_that_stops_answering_is_no_longer_proven() -> None:
    lamp = told(60.0)
    poll(lamp, 60.0)
    lamp.missed(Failure.SILENCE)
    assert lamp.proof is Proof.NONE
    assert lamp.failure is Failure.SILENCE
    poll(lamp, 60.0)
    assert lamp.proof is Proof.FOLLOWED


def test_a_node_that_refuses_is_alive_and_does_not_follow() -> None:
    lamp = told(failure=Failure.EXCEPTION)
    lamp.sent(0.1)
    lamp.commanded(60.0, Failure.EXCEPTION, 0.1, settings=False)
    poll(lamp, 100.0)
    assert lamp.proof is Proof.REFUSED


def test_a_node_that_refuses_its_settings_is_told_its_level_and_them_again_later() -> None:
    lamp = told(failure=Failure.EXCEPTION)
    assert lamp.due(0.1)
    assert not lamp.with_settings(0.1)
    lamp.sent(0.1)
    lamp.commanded(60.0, None, 0.2, settings=False)
    poll(lamp, 60.0)
    assert lamp.proof is Proof.FOLLOWED
    assert not lamp.due(RETRY_MOST_S - 0.1)
    assert lamp.due(RETRY_MOST_S)
    assert lamp.with_settings(RETRY_MOST_S)
    send(lamp, RETRY_MOST_S, Failure.EXCEPTION)
    assert lamp.proof is Proof.FOLLOWED
    assert not lamp.due(RETRY_MOST_S + 1)
