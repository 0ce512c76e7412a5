"""How often a login may be tried."""

from gateway.api.throttle import Limit, Throttle

LIMIT = Limit(
    free=3, first_lock_s=10.0, longest_lock_s=60.0, forgotten_after_s=1_000.0, most_keys=4
)


def failing(times: int, *, at: float = 0.0) -> Throttle:
    throttle = Throttle(LIMIT)
    for _ in range(times):
        throttle.attempt("sato", now=at)
    return throttle


def test_a_few_failures_are_free() -> None:
    assert failing(2).locked_for_s("sato", now=0.0) == 0.0
    assert failing(0).locked_for_s("sato", now=0.0) == 0.0


def test_each_further_failure_locks_for_twice_as_long_up_to_the_longest() -> None:
    locks = [failing(times).locked_for_s("sato", now=0.0) for times in (3, 4, 5, 6, 60, 6_000)]
    assert locks == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_a_lock_passes_with_time_and_is_of_one_key() -> None:
    throttle = failing(3)
    assert throttle.locked_for_s("sato", now=4.0) == 6.0
    assert throttle.locked_for_s("sato", now=10.0) == 0.0
    assert throttle.locked_for_s("kato", now=0.0) == 0.0


def test_a_lock_that_passed_forgives_nothing_until_long_after() -> None:
    throttle = failing(3)
    throttle.attempt("sato", now=500.0)
    assert throttle.locked_for_s("sato", now=500.0) == 20.0
    throttle.attempt("sato", now=1_501.0)
    assert throttle.locked_for_s("sato", now=1_501.0) == 0.0


def test_attempts_at_the_same_time_gain_nothing() -> None:
    throttle = failing(3)
    assert throttle.locked_for_s("sato", now=0.0) > 0.0


def test_success_forgets_a_login_but_takes_back_only_one_attempt_of_an_address() -> None:
    by_login = failing(5)
    by_login.forget("sato")
    assert by_login.locked_for_s("sato", now=0.0) == 0.0
    by_address = failing(3)
    by_address.take_back("sato")
    assert by_address.locked_for_s("sato", now=0.0) == 0.0
    by_address.attempt("sato", now=1.0)
    assert by_address.locked_for_s("sato", now=1.0) == 10.0
    by_address.take_back("nobody")


def test_memory_is_bounded_and_the_longest_rested_goes_first() -> None:
    throttle = failing(3)
    for number in range(3):
        throttle.attempt(f"other-{number}", now=1.0)
    throttle.attempt("sato", now=2.0)
    throttle.attempt("one-more", now=3.0)
    assert throttle.locked_for_s("sato", now=3.0) > 0.0
    for number in range(4):
        throttle.attempt(f"flood-{number}", now=4.0)
    assert throttle.locked_for_s("sato", now=4.0) == 0.0
