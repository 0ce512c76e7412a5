import random
from collections import Counter

import pytest
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import Fault, LampNode
from firmware_sim.lamps.rtu import sealed, unsealed
from firmware_sim.lamps.trouble import LINE_FAULTS, Trouble, spoilt

BODY = b"\x11\x03\x04\x4d\x4d\x00\x01"


def node_of():
    return LampNode(unit=17, firmware="generic", lamp=LUMINAIRES["led-40"], seed=1)


def test_each_trouble_strikes_as_often_as_was_asked():
    chance, node = random.Random(1), node_of()
    trouble = Trouble(noise=0.05, silence=0.02, late=0.1, wrong_unit=0.01, truncation=0.03)

    struck = Counter(trouble.strikes(node, chance) for _ in range(20_000))

    for fault in LINE_FAULTS:
        assert struck[fault] / 20_000 == pytest.approx(getattr(trouble, fault), rel=0.2)


@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_nodes_own_fault_strikes_every_answer_of_it(fault):
    node = node_of()
    node.set_fault(fault)

    assert all(Trouble().strikes(node, random.Random(seed)) is fault for seed in range(20))


def test_a_quiet_line_brings_the_answer_as_it_was_said():
    assert Trouble().strikes(node_of(), random.Random(1)) is None
    assert spoilt(BODY, None, random.Random(1)) == spoilt(BODY, Fault.LATE, random.Random(1))
    assert spoilt(BODY, None, random.Random(1)) == sealed(BODY)


@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.TRUNCATION])
def test_noise_and_truncation_are_always_found_by_the_checksum(fault):
    chance = random.Random(2)

    assert all(unsealed(spoilt(BODY, fault, chance)) is None for _ in range(5_000))


def test_a_wrong_unit_is_a_whole_frame_in_another_ones_name():
    assert unsealed(spoilt(BODY, Fault.WRONG_UNIT, random.Random(1))) == b"\x12" + BODY[1:]
    last = bytes([247]) + BODY[1:]
    assert unsealed(spoilt(last, Fault.WRONG_UNIT, random.Random(1))) == b"\x01" + BODY[1:]


def test_lateness_is_within_its_bounds():
    chance = random.Random(3)
    delays = [Trouble(late_s=(0.2, 0.3)).delay_s(chance) for _ in range(1_000)]

    assert 0.2 <= min(delays) < 0.21
    assert 0.29 < max(delays) <= 0.3
