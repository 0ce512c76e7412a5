from gateway.lights.fault_segment import Segment

LAMPS = [f"l-{number}" for number in range(10)]


def test_one_silent_lamp_is_not_a_cut():
    segment = Segment(LAMPS)
    segment.missed("l-3")
    assert segment.powered


def test_nearly_all_silent_are_a_cut_until_half_are_back():
    segment = Segment(LAMPS)
    for lamp in LAMPS[:7]:
        segment.missed(lamp)
    assert segment.powered
    segment.missed("l-7")
    assert not segment.powered
    for lamp in LAMPS[:2]:
        segment.answered(lamp, 200.0)
    assert not segment.powered
    segment.answered("l-2", None)
    assert segment.powered


def test_lamps_that_say_they_have_no_mains_are_as_good_as_silent():
    segment = Segment(LAMPS)
    for lamp in LAMPS[:9]:
        segment.answered(lamp, 3.0)
    assert not segment.powered


def test_of_two_lamps_nothing_can_be_told():
    segment = Segment(LAMPS[:2])
    for lamp in LAMPS[:2]:
        segment.missed(lamp)
    assert segment.powered


def test_lamps_that_left_the_segment_no_longer_count():
    segment = Segment(LAMPS)
    for lamp in LAMPS[:8]:
        segment.missed(lamp)
    segment.follow([*LAMPS[6:], "l-10", "l-11"])
    assert segment.powered
    segment.missed("elsewhere")
    assert segment.powered
