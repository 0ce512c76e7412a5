"""GeoJSON as data: what is taken, and what is said of the rest."""

from pathlib import Path
from typing import Any

import pytest

from gateway.geojson import read_document
from tests.unit.geojson_pieces import HOME, box, feature, line, point, polygon, write_site

STREET = feature("path", line((0, 0), (100, 0)), use="street")


def _said_of(tmp_path: Path, *features: Any) -> list[str]:
    document = read_document(write_site(tmp_path, features))
    return [f"{finding.where}: {finding.what}: {finding.remedy}" for finding in document.findings]


def test_a_finding_is_one_line_for_people_and_grep(tmp_path: Path) -> None:
    file = write_site(tmp_path, [STREET, feature("zone", box(0, 0, 9, 9))])
    assert read_document(file).findings[0].line(file) == (
        f"{file}: zone (features[1]): error: has no id: give it an id that no other zone has"
    )


def test_whole_features_are_kept_beside_broken_ones(tmp_path: Path) -> None:
    document = read_document(write_site(tmp_path, [STREET, [1], STREET]))
    assert [whole.id for whole in document.features] == ["path-0", "path-2"]
    assert len(document.findings) == 1
    assert len(list(document.features[0].positions())) == 2


WRONG = {
    "unknown kind": (feature("zome", point((0, 0)), id="x"), "unknown kind 'zome'", "mean zone?"),
    "no kind": ({"type": "Feature", "properties": {}, "geometry": None}, "has no kind", "use one"),
    "no properties": ({"type": "Feature", "geometry": point((0, 0))}, "no properties", "kind"),
    "no feature": ([1, 2], "not a GeoJSON Feature", "remove it"),
    "no id": (feature("zone", box(0, 0, 9, 9)), "has no id", "give it an id"),
    "a slash in an id": (feature("lamp", point((0, 0)), id="a/b"), "/ + or #", "topics"),
    "a list for an id": (feature("lamp", point((0, 0)), id=["a"]), "unusable id", "a word"),
    "no geometry": (feature("lamp", None, id="l"), "has no geometry", "draw it as a Point"),
    "wrong geometry": (feature("zone", point((0, 0)), id="z"), "is a Point", "as a Polygon"),
    "two parts": (
        feature(
            "zone",
            {"type": "MultiPolygon", "coordinates": [box(0, 0, 9, 9)["coordinates"]] * 2},
            id="z",
        ),
        "MultiPolygon of 2 parts",
        "each part as a zone of its own",
    ),
    "swapped": (
        feature("lamp", {"type": "Point", "coordinates": [*reversed(HOME)]}, id="l"),
        "latitude 140.88",
        "longitude comes first",
    ),
    "off the Earth": (
        feature("lamp", {"type": "Point", "coordinates": [999, 999]}, id="l"),
        "nowhere on Earth",
        "degrees",
    ),
    "metres": (
        feature("lamp", {"type": "Point", "coordinates": ["1", None]}, id="l"),
        "where a position belongs",
        "write [longitude, latitude]",
    ),
    "empty": (feature("path", {"type": "LineString", "coordinates": []}), "is empty", "draw it"),
    "one corner": (
        feature("path", line((0, 0), (0, 0))),
        "fewer than 2 different corners",
        "draw it again",
    ),
    "a flat polygon": (
        feature("zone", polygon((0, 0), (9, 9)), id="z"),
        "fewer than 3 different corners",
        "draw it again",
    ),
    "far away": (
        feature("lamp", {"type": "Point", "coordinates": [139.0, 35.0]}, id="l"),
        "km from the rest",
        "mend or remove it",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_feature_is_said_with_what_to_do(tmp_path: Path, case: str) -> None:
    wrong, what, remedy = WRONG[case]
    said = _said_of(tmp_path, STREET, STREET, STREET, wrong)
    assert len(said) == 1
    assert "features[3]" in said[0]
    assert what in said[0]
    assert remedy in said[0]


def test_an_id_given_twice_names_the_first(tmp_path: Path) -> None:
    twice = feature("zone", box(0, 0, 9, 9), id="park")
    said = _said_of(tmp_path, STREET, twice, twice)
    assert said == [
        "zone park (features[2]): has the id of features[1]: give one zone of the two another id"
    ]


def test_swapped_degrees_are_known_where_both_could_be_latitudes(tmp_path: Path) -> None:
    oslo = (10.75, 59.91)
    paths = [feature("path", line((0, k), (9, k), home=oslo)) for k in range(3)]
    wrong = feature("lamp", {"type": "Point", "coordinates": [*reversed(oslo)]}, id="l-1")
    said = _said_of(tmp_path, *paths, wrong)
    assert len(said) == 1
    assert "lamp l-1" in said[0]
    assert "swap the two" in said[0]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"type": "Feature"}', "is not a GeoJSON FeatureCollection"),
        (b"[]", "is not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "has no features"),
        (b'{"type": "FeatureCollection", "features": {"a": 1}}', "has no features"),
        (b'{"type": "FeatureCollection", "properties": 3, "features": [1]}', "not an object"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "NaN is not a number"),
        (b"[" * 100_000, "nested too deeply"),
        (
            b'{"type": "FeatureCollection", "features": [1], "crs": {"type": "name", '
            b'"properties": {"name": "urn:ogc:def:crs:EPSG::6677"}}}',
            "is not in WGS84",
        ),
    ],
    ids=range(10),
)
def test_a_file_that_is_no_site_says_why(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "site.geojson"
    file.write_bytes(content)
    document = read_document(file)
    assert document.features == ()
    assert [finding.where for finding in document.findings] == [""]
    assert what in document.findings[0].what


def test_numbers_and_names_that_no_machine_holds_are_refused_too(tmp_path: Path) -> None:
    huge = feature("lamp", {"type": "Point", "coordinates": [10**400, 1e300]}, id="l-1")
    half = feature("lamp", point((0, 0)), id="\ud800")
    two_lines = feature("lamp", point((0, 0)), id="a\nb")
    said = _said_of(tmp_path, STREET, huge, half, two_lines)
    assert len(said) == 3
    assert all(len(line) < 300 for line in said)
