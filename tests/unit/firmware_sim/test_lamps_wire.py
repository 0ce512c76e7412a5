"""The line without a thread and without real time: bytes at moments in, bytes at moments out."""

import pytest
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.rtu import sealed, unsealed
from firmware_sim.lamps.trouble import Trouble
from firmware_sim.lamps.weather import Surroundings
from firmware_sim.lamps.wire import Line, Pace

BYTE_S = 11 / 19_200


class Bench:
    """A line with nodes 1 to 3, and a clock that is turned by hand."""

    def __init__(self, *, baud=19_200, paced=True):
        self.now = 50.0
        self.line = Line(
            [
                LampNode(unit=unit, firmware="generic", lamp=LUMINAIRES["led-40"], seed=1)
                for unit in (1, 2, 3)
            ],
            pace=Pace.of(baud, paced=paced),
            surroundings=lambda _utc: Surroundings(),
            utc=lambda: 1_793_090_000.0 + self.now,
            seed=4,
        )

    def ask(self, unit, *, count=10):
        self.line.heard(sealed(bytes([unit, 3, 0, 0, 0, count])), self.now)

    def until(self, end):
        """What can be read until `end`: [(moment, bytes)]."""
        seen = []
        while (moment := self.line.next_at()) is not None and moment <= end:
            self.now = max(self.now, moment)
            if out := self.line.due(self.now):
                seen.append((self.now, out))
        self.now = end
        return seen


@pytest.fixture
def bench():
    return Bench()


def said(seen):
    return unsealed(b"".join(out for _, out in seen))


def test_the_last_byte_comes_when_the_wire_brings_it_and_none_comes_before(bench):
    bench.ask(2)
    seen = bench.until(51.0)

    begun = 50.0 + (8 + 3.5) * BYTE_S + 0.002
    assert said(seen)[:3] == bytes([2, 3, 20])
    assert seen[-1][0] == pytest.approx(begun + 25 * BYTE_S)
    read = 0
    for moment, out in seen:
        read += len(out)
        assert moment >= begun + read * BYTE_S - 1e-9


def test_an_answer_is_handed_over_in_pieces_of_eight_milliseconds(bench):
    bench.ask(2, count=10)

    moments = [moment for moment, _ in bench.until(51.0)]

    assert len(moments) == 2
    assert moments[0] == pytest.approx(50.0 + 11.5 * BYTE_S + 0.002 + 13 * BYTE_S)


def test_a_poll_takes_what_the_formula_says_with_the_silence_after_the_answer(bench):
    bench.ask(1)
    last = bench.until(51.0)[-1][0]

    assert last - 50.0 + 3.5 * BYTE_S == pytest.approx(Pace.of(19_200, paced=True).poll_s(10))


def test_at_1200_baud_the_first_byte_comes_long_before_the_last():
    bench = Bench(baud=1_200)
    bench.ask(1)

    moments = [moment for moment, _ in bench.until(60.0)]

    assert moments[-1] - moments[0] == pytest.approx(24 * 11 / 1200)


def test_a_request_in_two_parts_is_one_frame_and_two_at_once_are_none(bench):
    frame = sealed(bytes([1, 3, 0, 0, 0, 1]))
    bench.line.heard(frame[:3], bench.now)
    bench.line.heard(frame[3:], bench.now + 3 * BYTE_S)
    assert said(bench.until(51.0))

    bench.ask(1)
    bench.ask(2)
    assert bench.until(52.0) == []
    assert bench.line.counts["garbled"] == 1


def test_a_request_too_soon_after_an_answer_is_not_understood(bench):
    bench.ask(1)
    bench.until(bench.line.next_at() + 1.0)
    bench.ask(2)
    last = bench.until(52.0)[-1][0]

    bench.now = last + 1.0 * BYTE_S
    bench.ask(3)

    assert bench.until(53.0) == []
    assert bench.line.counts["glued"] == 1


def test_a_unit_that_is_not_there_says_nothing(bench):
    bench.ask(9)

    assert bench.until(51.0) == []
    assert bench.line.counts == {"requests": 1, "nobody": 1}


def test_a_broadcast_is_done_and_not_answered(bench):
    bench.line.heard(sealed(bytes([0, 6, 0, 100, 0, 0])), bench.now)

    assert bench.until(51.0) == []
    assert {node.poll()["feedback_level"] for node in bench.line.nodes.values()} == {0.0}


def test_a_late_answer_comes_whole_after_a_younger_one(bench):
    bench.line.nodes[1].set_fault("late")
    bench.line.trouble = Trouble(late_s=(0.3, 0.3))
    bench.ask(1)
    early = bench.until(50.1)
    bench.ask(2)

    prompt, late = said(bench.until(50.2)), said(bench.until(51.0))

    assert early == []
    assert (prompt[0], late[0]) == (2, 1)


def test_two_answers_do_not_mix_their_bytes(bench):
    bench.line.nodes[1].set_fault("late")
    bench.line.trouble = Trouble(late_s=(0.005, 0.005))
    bench.ask(1)
    bench.until(50.0071)
    bench.ask(2)

    seen = bench.until(51.0)

    whole = b"".join(out for _, out in seen)
    assert (unsealed(whole[:25])[0], unsealed(whole[25:])[0]) == (1, 2)


def test_a_silent_node_hears_and_obeys_and_one_without_power_does_not(bench):
    for unit, fault in ((1, "silence"), (2, "power_cut")):
        bench.line.nodes[unit].set_fault(fault)
        bench.line.heard(sealed(bytes([unit, 6, 0, 100, 0, 200])), bench.now)
        assert bench.until(bench.now + 1.0) == []

    assert bench.line.nodes[1].read(3, 100, 1) == [200]
    assert bench.line.nodes[2].read(3, 100, 1) == [0]


def test_without_pace_the_answer_is_there_at_once():
    bench = Bench(paced=False)
    bench.ask(2)

    assert said([(50.0, bench.line.due(50.0))])[0] == 2


def test_two_nodes_of_one_unit_are_refused():
    nodes = [
        LampNode(unit=4, firmware="generic", lamp=LUMINAIRES["led-40"], seed=seed)
        for seed in (1, 2)
    ]
    with pytest.raises(ValueError, match="same unit"):
        Line(
            nodes,
            pace=Pace.of(19_200, paced=True),
            surroundings=lambda _utc: Surroundings(),
            utc=lambda: 0.0,
            seed=1,
        )


def test_nodes_that_nobody_asked_for_hours_have_lived_them(bench):
    node = bench.line.nodes[1]
    bench.line.live(node)
    bench.now += 7_200.0

    bench.line.live(node)

    assert node.counters.operating_h == pytest.approx(2.0)
