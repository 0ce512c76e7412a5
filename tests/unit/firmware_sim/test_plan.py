from collections import Counter

import pytest
from firmware_sim import plan


def test_the_sections_have_the_lots_of_the_published_plan():
    lots = Counter()
    for block in plan.BLOCKS:
        lots[block.section] += len(list(plan.block_lots(block)))

    assert lots == {"a": 82, "b": 81, "c": 34, "d": 101}


def test_blocks_have_about_twenty_lots():
    assert all(17 <= block.lots <= 22 for block in plan.BLOCKS)


@pytest.mark.parametrize("block", plan.BLOCKS, ids=lambda block: block.name)
def test_lots_lie_in_their_block_and_none_covers_another(block):
    west, south = plan.block_corner(block)
    boxes = [(ring[0], ring[2]) for ring in plan.block_lots(block)]

    for number, ((w, s), (e, n)) in enumerate(boxes):
        assert west - 1e-6 <= w < e <= west + plan.BLOCK_LENGTH_M + 1e-6
        assert south - 1e-6 <= s < n <= south + 2 * plan.LOT_DEPTH_M + 1e-6
        for (w2, s2), (e2, n2) in boxes[:number]:
            apart = max(w, w2) - min(e, e2), max(s, s2) - min(n, n2)
            assert max(apart) >= -1e-6


def test_a_street_has_a_pavement_on_either_side_and_crossings_only_where_a_street_leaves():
    main = [
        line
        for line in plan.street_lines()
        if {v for _, v in line.points} == {5.5} and line.use == "crossing"
    ]

    assert [line.points[0][0] for line in main] == [-3.5, 135.5, 274.5, 413.5, 552.5]
