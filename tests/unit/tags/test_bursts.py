"""Which frames that may be an SOS go on; items are strings here, and time is the test's."""

import pytest

from gateway.tags.bursts import BURST_S, KNOWN, MOST_WAITING, STRANGER, Bursts, Standing

TAG = "AA:AA:AA:AA:AA:AA"


def hear(
    bursts: Bursts[str],
    payload: str,
    *,
    now: float,
    address: str = TAG,
    standing: Standing = KNOWN,
    numbered: bool = True,
    receiver: str = "r-1",
) -> bool:
    return bursts.hear(
        f"{address} {payload}",
        receiver=receiver,
        address=address,
        payload=payload,
        standing=standing,
        now=now,
        numbered=numbered,
    )


def flood(bursts: Bursts[str], count: int, *, now: float) -> int:
    """Strangers, each of an address of its own; how many go on."""
    return sum(
        hear(bursts, "x", address=f"s{number} at {now}", standing=STRANGER, now=now)
        for number in range(count)
    )


def test_a_burst_goes_on_at_once_then_every_two_seconds_and_ends_after_ten() -> None:
    bursts: Bursts[str] = Bursts()
    went = [tenth / 10 for tenth in range(300) if hear(bursts, "press", now=tenth / 10)]
    assert went == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert bursts.counts == {"repeated": 95, "old": 199}


def test_a_payload_that_was_not_told_is_never_an_old_one() -> None:
    bursts: Bursts[str] = Bursts()
    flood(bursts, STRANGER.burst, now=0.0)
    assert not hear(bursts, "press", now=0.0, standing=STRANGER)
    flood(bursts, MOST_WAITING, now=0.0)  # it is displaced
    assert hear(bursts, "press", now=BURST_S + 1, standing=STRANGER)


def test_a_new_payload_goes_on_at_once_and_the_old_one_stays_old() -> None:
    bursts: Bursts[str] = Bursts()
    assert hear(bursts, "press 1", now=0.0)
    assert hear(bursts, "press 2", now=0.1)
    assert not hear(bursts, "press 1", now=BURST_S + 1)
    assert not hear(bursts, "press 2", now=BURST_S + 1)
    assert hear(bursts, "press 3", now=BURST_S + 1)


def test_without_a_number_the_same_after_a_silence_is_a_new_press() -> None:
    bursts: Bursts[str] = Bursts()
    pressed = [now for now in (0.0, 1.0, 9.0, 15.0, 25.0) if hear(bursts, "", now=now)]
    assert pressed == [0.0, 9.0]
    unnumbered: Bursts[str] = Bursts()
    pressed = [
        now for now in (0.0, 1.0, 9.0, 15.0, 25.0) if hear(unnumbered, "", now=now, numbered=False)
    ]
    assert pressed == [0.0, 9.0, 25.0]


def test_an_address_that_always_has_something_new_is_held_to_its_own_room() -> None:
    bursts: Bursts[str] = Bursts()
    went = 0
    for tenth in range(600):
        went += hear(bursts, str(tenth), now=tenth / 10) + len(bursts.due(tenth / 10))
    assert went == KNOWN.own_burst + 59 // KNOWN.own_every_s


@pytest.mark.parametrize("times", [1, 2])
def test_made_up_frames_under_its_address_do_not_keep_a_press_waiting(times: int) -> None:
    """An attacker sends 100 frames a second as the tag, a press ten times a second."""
    bursts: Bursts[str] = Bursts()
    went: list[tuple[float, str]] = []
    for hundredth in range(7_000):
        now = hundredth / 100
        payload = f"made up {hundredth // times}"
        if hundredth >= 6_000 and hundredth % 10 == 0:
            payload = "press"
        if hear(bursts, payload, now=now):
            went.append((now, payload))
        if hundredth % 100 == 0:
            went += [(now, item.removeprefix(f"{TAG} ")) for item in bursts.due(now)]
    pressed = [at for at, payload in went if payload == "press"]
    assert pressed[0] - 60.0 <= KNOWN.own_every_s + 0.2  # as room comes; its second frame by then
    assert len(pressed) > 1
    assert len(went) <= KNOWN.own_burst + 70 // KNOWN.own_every_s


def test_what_waits_goes_on_when_its_address_has_room_and_it_is_the_newest() -> None:
    bursts: Bursts[str] = Bursts()
    for number in range(KNOWN.own_burst + 3):
        hear(bursts, str(number), now=0.0)
    assert bursts.due(1.9) == []
    assert bursts.due(2.0) == [f"{TAG} {KNOWN.own_burst + 2}"]
    assert bursts.due(60.0) == []


def test_one_that_waits_for_its_own_room_keeps_nobody_waiting() -> None:
    bursts: Bursts[str] = Bursts()
    for number in range(KNOWN.own_burst + 3):
        hear(bursts, str(number), now=0.0)
    assert hear(bursts, "press", address="another", now=0.0)


def test_strangers_are_held_to_their_room_and_the_known_do_not_wait_for_them() -> None:
    bursts: Bursts[str] = Bursts()
    assert flood(bursts, 10_000, now=0.0) == STRANGER.burst
    assert hear(bursts, "press", now=0.0)
    assert bursts.counts["dropped"] == 10_000 - STRANGER.burst - MOST_WAITING


def test_a_stranger_in_a_flood_gets_through_with_the_second_frame_of_its_burst() -> None:
    """167 new addresses a second, every one with a frame: 10,000 a minute, all day long."""
    bursts: Bursts[str] = Bursts()
    flood(bursts, 2 * STRANGER.burst, now=0.0)
    for second in range(1, 100):
        flood(bursts, 167, now=float(second))
        burst = [
            hear(bursts, str(second), now=second + 0.03 * n, address=str(second), standing=STRANGER)
            for n in range(5)
        ]
        assert burst == [False, True, False, False, False]


def test_one_advert_at_many_receivers_is_not_a_burst() -> None:
    bursts: Bursts[str] = Bursts()
    flood(bursts, 2 * STRANGER.burst, now=0.0)
    assert not any(
        hear(bursts, "x", now=1.0, address="once", standing=STRANGER, receiver=f"r-{n}")
        for n in range(10)
    )


def test_the_newest_that_waits_goes_first() -> None:
    bursts: Bursts[str] = Bursts()
    flood(bursts, STRANGER.burst, now=0.0)
    for name in ("a", "b", "c", "a"):
        hear(bursts, "x", address=name, standing=STRANGER, now=0.0)
    assert bursts.due(0.1) == ["a x", "c x"]
    assert bursts.due(0.2) == ["b x"]


def test_memory_is_bounded_whatever_comes() -> None:
    bursts: Bursts[str] = Bursts()
    for number in range(20_000):
        hear(bursts, str(number), address=str(number), standing=STRANGER, now=number / 1_000)
        hear(bursts, str(number), now=number / 1_000)
    assert len(bursts.due(1e6)) <= 2 * MOST_WAITING
