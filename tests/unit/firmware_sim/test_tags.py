import numpy as np
import pytest
from firmware_sim.firmware import BUTTON, POSITION, TELEMETRY
from firmware_sim.tags import Advertiser, make_tag

TAGS = tuple(make_tag(number, np.random.default_rng(number)) for number in range(1, 31))


NATIVE = np.arange(30) % 3 == 0


def advertiser(seed=1, **more):
    return Advertiser(TAGS, start=1000.0, rng=np.random.default_rng(seed), **more)


def test_most_tags_are_ibeacons_and_every_third_an_eddystone():
    kinds = [tag.firmware.position.identifier.split(":")[0] for tag in TAGS]

    assert kinds.count("uid") == 10
    assert set(kinds) == {"ibeacon", "uid"}
    assert len(TAGS[0].firmware.position.manufacturer) == 25
    assert len(TAGS[2].firmware.position.service) == 20


def test_no_two_frames_share_an_identifier_and_no_two_tags_an_address():
    bought = [tag.firmware for tag in TAGS]
    frames = [frame.identifier for one in bought for frame in (one.position, one.button)]

    assert len(set(frames)) == 60
    assert len({one.address for one in bought}) == 30


def test_the_button_is_the_position_identifiers_neighbour():
    sent = TAGS[0].firmware
    minor = [int(frame.identifier.rsplit(":", 1)[1]) for frame in (sent.position, sent.button)]

    assert minor[1] == minor[0] + 1


def test_every_tag_sends_about_once_a_second_and_none_in_step():
    at, tag, kind = advertiser().due(1060.0)

    counts = np.bincount(tag, minlength=30)
    assert 57 <= counts.min() <= counts.max() <= 62
    assert not kind.any()
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

    at, tag, kind = air.due(1100.0)

    pressed = at[kind == BUTTON]
    assert set(tag[kind == BUTTON]) == {4}
    assert pressed.min() >= 1010.0
    assert np.sum(pressed < 1016.1) >= 60
    assert 1040.0 < pressed.max() < 1050.0
    assert np.sum((tag == 4) & (kind == POSITION)) > 90


def test_a_native_tag_tells_of_itself_in_every_thirtieth_advert_and_a_bought_one_never():
    _, tag, kind = advertiser(native=NATIVE).due(1300.0)

    told = np.bincount(tag[kind == TELEMETRY], minlength=30)
    assert set(told[NATIVE]) <= {9, 10, 11}
    assert not told[~NATIVE].any()


def test_a_native_tag_sends_more_seldom_after_minutes_of_rest_and_at_once_when_it_is_moved():
    air, still = advertiser(native=NATIVE), np.zeros(30, dtype=bool)
    air.due(1180.0)
    air.feel(still, 1180.0)
    _, resting, _ = air.due(1280.0)
    air.feel(~still, 1280.0)
    at, woken, _ = air.due(1281.0)

    seldom = np.bincount(resting, minlength=30)
    assert seldom[NATIVE].max() <= 27
    assert seldom[~NATIVE].min() >= 95
    assert set(np.nonzero(NATIVE)[0]) <= set(woken[at == 1280.0])


def test_a_native_tag_has_the_same_radio_as_a_bought_one_of_its_number():
    rng = np.random.default_rng(1)

    tag = make_tag(1, rng, native=TAGS[5].firmware)

    assert tag.firmware is TAGS[5].firmware
    assert (tag.offset_db, tag.interval_s) == (TAGS[0].offset_db, TAGS[0].interval_s)
