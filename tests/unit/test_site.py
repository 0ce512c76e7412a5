"""The town's map: what it becomes, and what is said of a file that is wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import ReceiverSource, UnusableError
from gateway.site import SiteError, load_site
from tests.unit.geojson_pieces import box, feature, line, lonlat, point, polygon, write_site

STREET = feature("path", line((0, 0), (100, 0)), use="street")


def test_features_become_what_they_are_in_metres(tmp_path: Path) -> None:
    features = [
        STREET,
        feature("area", box(0, 0, 20, 30), id="park", names={"ja": "公園"}),
        feature(
            "receiver", point((30, 0)), id="r-1", height_m=4.5, gateway="gw-01",
            format="espresense", topic="kitchen",
        ),
        feature("lamp", point((30, 0)), id="r-1"),
        feature("zone", box(0, 0, 40, 30), id="school", name="学校"),
        feature("lot", box(0, 0, 10, 15), id="A-01", section="A"),
        feature("camera", point((1, 1)), id="c-1"),
        feature("shelter", point((2, 2)), id="s-1"),
    ]  # fmt: skip
    site = load_site(write_site(tmp_path, features, name="Iwaki"))
    assert (site.name, site.crs) == ("Iwaki", "EPSG:6677")
    assert (site.paths[0].id, site.paths[0].use) == ("path-0", "street")
    length_m = np.linalg.norm(site.paths[0].points[1] - site.paths[0].points[0])
    assert length_m == pytest.approx(100, rel=0.005)
    receiver = site.receivers[0]
    assert (receiver.id, receiver.height_m, receiver.gateway) == ("r-1", 4.5, "gw-01")
    assert receiver.source == ReceiverSource("r-1", "espresense", "kitchen")
    assert site.areas[0].names == {"ja": "公園"}
    assert site.zones[0].names == {"ja": "学校", "en": "学校"}
    assert site.zones[0].width_m() == pytest.approx(30, rel=0.005)
    counts = [len(part) for part in (site.lots, site.lamps, site.cameras, site.shelters)]
    assert counts == [1, 1, 1, 1]


def test_a_lamp_says_who_drives_it_and_one_that_nobody_drives_says_nothing(tmp_path: Path) -> None:
    driven = {"gateway": "gw-01", "bus": "bus-1", "unit": 7, "groups": ["park"], "pole": "p-3"}
    features = [
        STREET,
        feature("lamp", point((30, 0)), id="l-1", profile="miri", lamp_type="led-60", **driven),
        feature("lamp", point((60, 0)), id="l-2"),
    ]
    first, second = load_site(write_site(tmp_path, features)).lamps
    assert (first.gateway, first.bus, first.unit, first.pole) == ("gw-01", "bus-1", 7, "p-3")
    assert (first.profile, first.lamp_type, first.groups) == ("miri", "led-60", ("park",))
    assert (second.gateway, second.bus, second.unit) == ("", "", 0)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"gateway": "gw-01", "bus": "bus-1"}, "give all three"),
        ({"unit": 3}, "give all three"),
        ({"gateway": "gw/01", "bus": "bus-1", "unit": 3}, "letters, digits"),
        ({"gateway": "gw-01", "bus": "bus-1", "unit": 248}, "247"),
        ({"groups": ["a/b"]}, "groups"),
    ],
)
def test_a_lamp_that_cannot_be_driven_as_it_says_is_named(
    tmp_path: Path, keys: dict[str, Any], said: str
) -> None:
    features = [STREET, feature("lamp", point((30, 0)), id="l-1", **keys)]
    with pytest.raises(SiteError, match=r"lamp l-1 \(features\[1\]\)") as wrong:
        load_site(write_site(tmp_path, features))
    assert said in str(wrong.value)


def test_metres_and_degrees_turn_into_each_other(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path, [STREET]))
    degrees = np.array([lonlat(12, 34), lonlat(-5, 60)])
    assert site.to_lonlat(site.to_metres(degrees)) == pytest.approx(degrees, abs=1e-9)


def test_the_plan_shows_residents_no_receivers_and_no_cameras(tmp_path: Path) -> None:
    features = [
        STREET,
        feature("receiver", point((30, 0)), id="r-1", topic="home/OMG_1", format="openmqttgateway"),
        feature("camera", point((1, 1)), id="c-1"),
        feature("lamp", point((2, 2)), id="l-1", pole="p-1", gateway="gw-01", bus="b", unit=3),
    ]
    plan = json.loads(load_site(write_site(tmp_path, features)).plan)
    assert [shown["properties"]["kind"] for shown in plan["features"]] == ["path", "lamp"]
    assert plan["features"][1]["properties"] == {"kind": "lamp", "id": "l-1", "pole": "p-1"}


def test_a_recording_of_others_loads_with_what_it_has(shared: Path) -> None:
    site = load_site(shared / "data" / "recordings" / "danis-dev" / "site.geojson")
    assert (len(site.receivers), len(site.paths), len(site.zones)) == (12, 59, 4)
    assert {receiver.source for receiver in site.receivers} == {None}
    assert site.receivers[0].height_m == 1.22


def test_properties_that_are_null_or_unknown_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    known = {"height_m": None, "gateway": None, "sensor_firmware": {"a": [1]}, "pole": "P-12"}
    receiver = feature("receiver", point((0, 0)), id=12, **known)
    site = load_site(write_site(tmp_path, [receiver], origin=[1, 2], frame="local"))
    assert (site.receivers[0].id, site.receivers[0].gateway) == ("12", "")


def test_a_path_in_several_parts_becomes_several_paths(tmp_path: Path) -> None:
    parts = [line((0, 0), (10, 0))["coordinates"], line((0, 5), (10, 5))["coordinates"]]
    several = feature("path", {"type": "MultiLineString", "coordinates": parts}, id="way")
    site = load_site(write_site(tmp_path, [several]))
    assert [path.id for path in site.paths] == ["way-0", "way-1"]


def test_a_multi_geometry_of_one_part_is_that_part(tmp_path: Path) -> None:
    single = {"type": "MultiPolygon", "coordinates": [box(0, 0, 40, 30)["coordinates"]]}
    site = load_site(write_site(tmp_path, [feature("zone", single, id="school")]))
    assert site.zones[0].width_m() == pytest.approx(30, rel=0.005)


def test_a_hole_is_not_inside(tmp_path: Path) -> None:
    rings = [box(0, 0, 40, 40)["coordinates"][0], box(10, 10, 30, 30)["coordinates"][0]]
    zone = feature("zone", {"type": "Polygon", "coordinates": rings}, id="ring")
    site = load_site(write_site(tmp_path, [zone]))
    inside = site.zones[0].contains(site.to_metres(np.array([lonlat(5, 5), lonlat(20, 20)])))
    assert inside.tolist() == [True, False]


def test_heights_in_coordinates_are_left_out(tmp_path: Path) -> None:
    high = {"type": "LineString", "coordinates": [[*lonlat(0, 0), 5.0], [*lonlat(9, 0), 6.0]]}
    assert load_site(write_site(tmp_path, [feature("path", high)])).paths[0].points.shape == (2, 2)


def test_a_small_region_still_has_a_point_on_its_grid(tmp_path: Path) -> None:
    zone = feature("zone", box(0, 0, 3, 3), id="gate")
    region = load_site(write_site(tmp_path, [zone])).zones[0]
    assert region.contains(region.grid(50.0)).tolist() == [True]
    assert len(region.grid(1.0)) == 9


def test_a_crs_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    said = _said_of(tmp_path, STREET, crs="EPSG:99999")
    assert len(said) == 1
    assert said[0].startswith("properties.crs: error: EPSG:99999 is no coordinate system")


def _said_of(tmp_path: Path, *features: Any, **properties: Any) -> list[str]:
    file = write_site(tmp_path, features, **properties)
    with pytest.raises(SiteError) as raised:
        load_site(file)
    lines = str(raised.value).splitlines()
    assert all(said.startswith(f"{file}: ") for said in lines)
    return [said.removeprefix(f"{file}: ") for said in lines]


BOW_TIE = polygon((0, 0), (30, 30), (30, 0), (0, 30))
WRONG = {
    "a border across itself": (feature("zone", BOW_TIE, id="z"), "crosses itself", "border"),
    "a height in words": (
        feature("receiver", point((0, 0)), id="r", height_m="4 m"),
        "height_m",
        "mend that property",
    ),
    "an impossible height": (
        feature("receiver", point((0, 0)), id="r", height_m=4500),
        "height_m",
        "mend that property",
    ),
    "no gateway's id": (
        feature("receiver", point((0, 0)), id="r", gateway="gw/1"),
        "gateway 'gw/1'",
        "letters",
    ),
    "an unknown format": (
        feature("receiver", point((0, 0)), id="r", format="theng", topic="t"),
        "format",
        "mend that property",
    ),
    "a format without topic": (
        feature("receiver", point((0, 0)), id="r", format="espresense"),
        "only one of format and topic",
        "give both",
    ),
    "a topic that is a pattern": (
        feature("receiver", point((0, 0)), id="r", format="openmqttgateway", topic="home/+"),
        "is a pattern",
        "own prefix",
    ),
    "a topic of ours": (
        feature("receiver", point((0, 0)), id="r", format="openmqttgateway", topic="machimori/v1"),
        "Machimori's own",
        "outside machimori/",
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


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    cases = [wrong for wrong, _, _ in WRONG.values()]
    cases += [feature("zome", point((0, 0)), id="x"), feature("lamp", None, id="l")]
    said = _said_of(tmp_path, STREET, *cases)
    assert {int(line.split("features[")[1].split("]")[0]) for line in said} == set(
        range(1, len(cases) + 1)
    )


def test_a_file_that_is_not_there_is_an_error_for_the_operator(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="cannot be read"):
        load_site(tmp_path / "none.geojson")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
WHOLE = feature(
    "receiver", point((0, 0)), id="r-1", height_m=4, gateway="gw-01", format="espresense", topic="t"
)  # fmt: skip
PLACES = [
    *(("properties", key) for key in ("kind", "id", "height_m", "gateway", "format", "topic")),
    *(("geometry", key) for key in ("type", "coordinates")),
]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(PLACES), junk=ANYTHING)
def test_whatever_stands_in_a_feature_it_is_a_site_or_a_site_error(
    tmp_path: Path, place: tuple[str, str], junk: object
) -> None:
    part, key = place
    odd = {**WHOLE, part: {**WHOLE[part], key: junk}}
    file = write_site(tmp_path, [STREET, odd])
    try:
        number_of_paths = len(load_site(file).paths)
    except SiteError:
        return
    assert number_of_paths >= 1


def test_half_a_character_in_a_name_does_not_stop_the_plan(tmp_path: Path) -> None:
    file = write_site(tmp_path, [STREET])
    file.write_text(file.read_text().replace('"street"', '"\\ud800"'))
    assert json.loads(load_site(file).plan)["features"]
