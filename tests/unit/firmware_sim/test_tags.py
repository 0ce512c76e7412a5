import numpy as np
import pytest
from firmware_sim.tags import Advertiser, make_tag

TAGS = tuple(make_tag(number, np.random.default_rng(number)) for number in range(1, 31))


def advertiser(seed=1):
    return Advertiser(TAGS, start=1000.0, rng=np.random.default_rng(seed))


def test_most_tags_are_ibeacons_and_every_third_an_eddystone():
    kinds = [tag.position.identifier.split(":")[0] for tag in TAGS]

    assert kinds.count("uid") == 10
    assert set(kinds) == {"ibeacon", "uid"}
    assert len(TAGS[0].position.manufacturer) == 25
    assert len(TAGS[2].position.service) == 20


def test_no_two_frames_share_an_identifier_and_no_two_tags_an_address():
    frames = [frame.identifier for tag in TAGS for frame in (tag.position, tag.button)]

    assert len(set(frames)) == 60
    assert len({tag.address for tag in TAGS}) == 30


def test_the_button_is_the_position_identifiers_neighbour():
    minor = [
        int(frame.identifier.rsplit(":", 1)[1]) for frame in (TAGS[0].position, TAGS[0].button)
    ]

    assert minor[1] == minor[0] + 1


def test_every_tag_sends_about_once_a_second_and_none_in_step():
    at, tag, button = advertiser().due(1060.0)

    counts = np.bincount(tag, minlength=30)
    assert 57 <= counts.min() <= counts.max() <= 62
    assert not button.any()
    assert np.all(np.diff(at) >= 0.0)
    gaps = np.diff(at[tag == 0])
    assert 0.97 < gaps.min() < gaps.max() < 1.04
    assert gaps.std() > 0.001
    assert np.ptp(np.array([at[tag == k][0] for k in range(30)])) > 0.5


def test_time_in_small_steps_sends_as_much_as_in_one():
    steps, whole = advertiser(), advertiser()

    sent = sum(len(steps.due(1000.0 + 0.1 * k)[0]) for k in range(1, 301))

    assert sent == pytest.approx(len(whole.due(1030.0)[0]), abs=3)


def test_a_press_is_a_fast_burst_and_then_a_reminder_beside_the_usual_frames():
    air = advertiser()
    air.press(tag=4, at=1010.0)

    at, tag, button = air.due(1100.0)

    pressed = at[button == 1]
    assert set(tag[button == 1]) == {4}
    assert pressed.min() >= 1010.0
    assert np.sum(pressed < 1016.1) >= 60
    assert 1040.0 < pressed.max() < 1050.0
    assert np.sum((tag == 4) & (button == 0)) > 90
