from dataclasses import replace

from gateway.report.page import render
from gateway.report.scoring import Truth
from tests.unit.report.test_judgement import AT, NOTHING, WAY, material, positions


def test_a_tag_whose_truth_is_known_only_where_no_live_position_was_is_drawn() -> None:
    known = replace(NOTHING, tags={"a": Truth(AT, WAY)})
    late = {"live": [], "confirmed": positions("a"), "route": positions("a")}
    page = render(replace(material([], known), positions=late))
    assert "<td>live</td>" not in page
    assert "<td>route</td><td>60</td>" in page
