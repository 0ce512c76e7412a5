from dataclasses import replace

import numpy as np

from gateway.tags.blocks import Block, choose_blocks
from gateway.tags.evidence import POINTS, gather
from tests.unit.tags.nights import DIRECTORY, Air, evidence_of, to_and_fro, windows_of
from tests.unit.tags.places import road

ROAD = road()
NAMES = [receiver.id for receiver in ROAD.receivers]
WINDOWS = windows_of(Air(ROAD), seed=1, seconds=1_500, offsets_db={"ann": 0.0})
BLOCKS = choose_blocks(WINDOWS, DIRECTORY, frozenset(NAMES))


def test_evidence_has_the_tag_near_where_it_was() -> None:
    learned, held_back = gather(ROAD, DIRECTORY, WINDOWS, receivers=NAMES, blocks=BLOCKS, radios={})
    way = to_and_fro(ROAD, 1_500)
    for evidence, within_m in ((learned, 10.0), (held_back, 15.0)):
        assert evidence.points.shape == (len(evidence.second), POINTS, 2)
        there = way[evidence.second - 1_000]
        apart = np.hypot(*(evidence.points.mean(axis=1) - there).T)
        assert np.median(apart) < within_m
    held = [block for block in BLOCKS if block.held_back]
    assert all(_within(second, held) for second in held_back.second.tolist())
    assert not any(_within(second, held) for second in learned.second.tolist())


def test_levels_are_kept_also_of_a_receiver_that_is_left_out() -> None:
    fewer = replace(ROAD, receivers=ROAD.receivers[1:])
    learned, _ = gather(fewer, DIRECTORY, WINDOWS, receivers=NAMES, blocks=BLOCKS, radios={})
    assert len(learned.hearings["r0"].rows) > 50


def test_a_receiver_that_is_not_alive_is_absent() -> None:
    without = windows_of(
        Air(ROAD, absent=frozenset({"r1"})), seed=1, seconds=600, offsets_db={"ann": 0.0}
    )
    blocks = [Block("ann", 1_000, 1_599, held_back=False)]
    learned, _ = gather(ROAD, DIRECTORY, without, receivers=NAMES, blocks=blocks, radios={})
    assert learned.absent["r1"].tolist() == list(range(len(learned.second)))
    assert not len(learned.absent["r0"])


def test_rows_can_be_chosen_by_tag_and_second() -> None:
    evidence = evidence_of(Air(ROAD, absent=frozenset({"r1"})), seed=1, seconds=100)
    some = evidence.among(evidence.keys[10:20])
    assert some.second.tolist() == evidence.second[10:20].tolist()
    for name, hearings in some.hearings.items():
        before = evidence.hearings[name]
        mine = (before.rows >= 10) & (before.rows < 20)
        assert hearings.rows.tolist() == (before.rows[mine] - 10).tolist()
        assert hearings.dbm.tolist() == before.dbm[mine].tolist()
    assert some.absent["r1"].tolist() == list(range(10))


def _within(second: int, blocks: list[Block]) -> bool:
    return any(block.since <= second <= block.until for block in blocks)
