"""A town that can be read and would still disappoint in the field."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.site_checks import site_findings
from gateway.geojson import read_document
from gateway.site import build_site
from tests.unit.cli.town_pieces import STREET, TOWN, receiver
from tests.unit.geojson_pieces import box, feature, line, point, write_site


def _lines(folder: Path, features: Sequence[Any], *, warnings: bool) -> list[str]:
    file = write_site(folder, features)
    document = read_document(file)
    found = site_findings(build_site(document, file), document)
    return [finding.line(file) for finding in found if finding.warning == warnings]


def _errors(folder: Path, features: Sequence[Any]) -> list[str]:
    return _lines(folder, features, warnings=False)


def _warnings(folder: Path, features: Sequence[Any]) -> list[str]:
    return _lines(folder, features, warnings=True)


def _only(lines: Sequence[str]) -> str:
    assert len(lines) == 1, lines
    return lines[0]


def test_a_receiver_off_the_map_is_named_with_its_distance(tmp_path: Path) -> None:
    said = _only(_errors(tmp_path, [*TOWN, receiver(9, (60, 75))]))
    assert "receiver r-9: error: stands 75 m from the nearest path" in said
    assert not _errors(tmp_path, [*TOWN, receiver(9, (60, 50))])


def test_paths_that_do_not_meet_are_named(tmp_path: Path) -> None:
    near = feature("path", line((120, 3), (120, 40)), id="lane")
    onwards = feature("path", line((120, 40), (150, 40)), id="court")
    said = _only(_errors(tmp_path, [*TOWN, near, onwards]))
    assert "path lane: error: is not connected with the other paths (with court)" in said
    assert "the nearest is 3.0 m away" in said
    assert "within 0.5 m" in said


@pytest.mark.parametrize("start", [(120, 0.3), (45.0, 0.0)], ids=["end to end", "end on a line"])
def test_paths_that_meet_within_half_a_metre_are_connected(
    tmp_path: Path, start: tuple[float, float]
) -> None:
    lane = feature("path", line(start, (start[0], 40)), id="lane")
    assert not _errors(tmp_path, [*TOWN, lane])


def test_a_zone_below_the_decidable_size_is_warned_of(tmp_path: Path) -> None:
    gate = feature("zone", box(40, -4, 80, 4), id="park-gate")
    said = _only(_warnings(tmp_path, [*TOWN, gate]))
    assert "zone park-gate: warning: is 8 m wide" in said
    assert "30 m apart: widen it to 15 m" in said
    assert not _errors(tmp_path, [*TOWN, gate])
    school = feature("zone", box(40, -8, 80, 8), id="school")
    assert not _warnings(tmp_path, [*TOWN, school])


def test_where_receivers_stand_closer_a_zone_may_be_smaller(tmp_path: Path) -> None:
    dense = [receiver(number, (8.0 * number, 4)) for number in range(15)]
    gate = feature("zone", box(40, -4, 80, 4), id="park-gate")
    assert not _warnings(tmp_path, [STREET, *dense, gate])


def test_a_zone_where_nobody_can_walk_is_an_error(tmp_path: Path) -> None:
    roof = feature("zone", box(40, 20, 80, 45), id="roof")
    said = _only(_errors(tmp_path, [*TOWN, roof]))
    assert "zone roof: error: has no path and no area inside" in said


def test_a_receiver_without_height_is_warned_of(tmp_path: Path) -> None:
    said = _only(_warnings(tmp_path, [*TOWN, receiver(9, (5, 5), height_m=None)]))
    assert "receiver r-9 (features[6]): warning: has no height_m (4 m is assumed)" in said


def test_two_receivers_on_one_topic_are_both_named(tmp_path: Path) -> None:
    errors = _errors(tmp_path, [*TOWN, receiver(9, (5, 5), topic="home/OMG_3")])
    assert [line.split(": ")[1] for line in errors] == ["receiver r-3", "receiver r-9"]
    assert "shares the topic home/OMG_3" in errors[0]


def test_a_receiver_that_no_gateway_listens_to_is_an_error(tmp_path: Path) -> None:
    said = _only(_errors(tmp_path, [*TOWN, receiver(9, (5, 5), gateway=None)]))
    assert "receiver r-9: error: has a topic and no gateway, so nobody listens" in said


def test_a_site_without_paths_or_receivers_says_so(tmp_path: Path) -> None:
    lamp = feature("lamp", point((0, 0)), id="l")
    errors = _errors(tmp_path, [lamp])
    assert ["has no receivers" in errors[0], "has no paths" in errors[1]] == [True, True]
