from dataclasses import replace
from itertools import pairwise

import numpy as np

from gateway.model import TagIdentifier, Window
from gateway.site import PathLine
from gateway.tags.blocks import BLOCK_S, Block, choose_blocks
from gateway.tags.identity import Directory
from tests.unit.tags.nights import DIRECTORY, Air, windows_of
from tests.unit.tags.places import road

ROAD = road()
NAMES = [receiver.id for receiver in ROAD.receivers]
TAGS = Directory(
    TagIdentifier(f"{tag}{k}", f"{tag}{k}", button=False)
    for tag in ("ann", "ben", "cho", "dan", "eve")
    for k in range(3)
)
WINDOWS = windows_of(Air(ROAD), seed=1, seconds=1_500, offsets_db={"ann": 0.0})
BLOCKS = choose_blocks(WINDOWS, DIRECTORY, frozenset(NAMES))


def test_a_long_outing_is_cut_and_a_quarter_of_it_held_back() -> None:
    assert len(BLOCKS) == -(-1_500 // BLOCK_S)
    assert all(block.until - block.since < BLOCK_S for block in BLOCKS)
    assert 3 <= sum(block.held_back for block in BLOCKS) <= 4
    spans = [(block.since, block.until) for block in BLOCKS]
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_of_a_single_tag_some_is_held_back_as_soon_as_there_are_two_blocks() -> None:
    shares = {
        sum(block.held_back for block in choose_blocks(WINDOWS[:seconds], DIRECTORY, set(NAMES)))
        / -(-seconds // BLOCK_S)
        for seconds in range(2 * BLOCK_S, 1_500, BLOCK_S)
    }
    assert min(shares) >= 1 / 5
    assert max(shares) <= 1 / 2


def test_of_many_short_outings_by_as_many_tags_a_quarter_is_held_back() -> None:
    blocks = choose_blocks(one_after_another("ann", "ben", "cho", "dan"), TAGS, set(NAMES))
    assert [block.held_back for block in by_time(blocks)] == 3 * [False, True, False, False]


def test_what_tags_are_called_decides_nothing() -> None:
    one, other = (
        choose_blocks(one_after_another(*names), TAGS, set(NAMES))
        for names in (("ann", "ben", "cho", "dan"), ("dan", "cho", "eve", "ann"))
    )
    assert [(b.since, b.until, b.held_back) for b in by_time(one)] == [
        (b.since, b.until, b.held_back) for b in by_time(other)
    ]


def one_after_another(*tags: str) -> list[Window]:
    """Walks of a hundred seconds, each by another of `tags` and its doubles."""
    doubles = [f"{tag}{k}" for k in range(3) for tag in tags]
    return [
        replace(one, readings=tuple(r._replace(identifier=tag) for r in one.readings))
        for k, tag in enumerate(doubles)
        for one in WINDOWS[100 * k : 100 * (k + 1)]
    ]


def by_time(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block.since)


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
