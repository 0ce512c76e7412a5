from dataclasses import replace
from itertools import pairwise

import numpy as np

from gateway.site import PathLine
from gateway.tags.blocks import BLOCK_S, choose_blocks
from tests.unit.tags.nights import DIRECTORY, Air, windows_of
from tests.unit.tags.places import road

ROAD = road()
NAMES = [receiver.id for receiver in ROAD.receivers]
WINDOWS = windows_of(Air(ROAD), seed=1, seconds=1_500, offsets_db={"ann": 0.0})
BLOCKS = choose_blocks(WINDOWS, DIRECTORY, frozenset(NAMES))


def test_a_long_outing_is_cut_and_a_quarter_of_it_held_back() -> None:
    assert len(BLOCKS) == -(-1_500 // BLOCK_S)
    assert all(block.until - block.since < BLOCK_S for block in BLOCKS)
    assert 3 <= sum(block.held_back for block in BLOCKS) <= 4
    spans = [(block.since, block.until) for block in BLOCKS]
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_a_pause_begins_another_outing() -> None:
    pausing = [one for one in WINDOWS if not 1_060 <= one.second < 1_200]
    blocks = choose_blocks(pausing, DIRECTORY, frozenset(NAMES))
    assert blocks[0].until < 1_060
    assert blocks[1].since >= 1_200


def test_strangers_and_receivers_of_elsewhere_tell_nothing() -> None:
    assert choose_blocks(WINDOWS, DIRECTORY, frozenset({"elsewhere"})) == []
    renamed = [
        replace(one, readings=tuple(r._replace(identifier="stranger") for r in one.readings))
        for one in WINDOWS[:100]
    ]
    assert choose_blocks(renamed, DIRECTORY, frozenset(NAMES)) == []


def test_what_lies_still_all_day_does_not_crowd_out_those_who_walk() -> None:
    beside_r1 = road(length_m=0.01, poles=5)
    lying = Air(replace(ROAD, paths=tuple(_moved(path, 33.0) for path in beside_r1.paths)))
    day = windows_of(lying, seed=2, seconds=12_000, offsets_db={"ben": 0.0})
    both = [
        replace(one, readings=one.readings + other.readings)
        for one, other in zip(WINDOWS, day, strict=False)
    ] + day[len(WINDOWS) :]
    blocks = choose_blocks(both, DIRECTORY, frozenset(NAMES))
    assert {"ann"} <= {block.tag for block in blocks}
    assert sum(block.until - block.since for block in blocks) < 8_000


def _moved(path: PathLine, east_m: float) -> PathLine:
    return replace(path, points=path.points + np.array([east_m, 0.0]))
