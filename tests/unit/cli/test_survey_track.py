import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.app.tables import RecordingError
from gateway.cli.survey_track import Track, read_track
from gateway.site import Site, load_site
from tests.unit.cli.recordings import START, degrees, write_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write_site(tmp_path)
    return load_site(tmp_path / "site.geojson")


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def csv_of(moments: list[tuple[float, float]]) -> str:
    rows = [f"{at},{degrees(x, 0)[0]:.9f},{degrees(x, 0)[1]:.9f}" for at, x in moments]
    return "\n".join(["at,lon,lat", *rows])


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def geojson(*features: tuple[Mapping[str, object], str, object]) -> str:
    listed = [
        {"type": "Feature", "properties": known, "geometry": {"type": kind, "coordinates": place}}
        for known, kind, place in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": listed})


def steps(track: Track) -> list[float]:
    return [round(float(one), 1) for one in np.hypot(*(track.xy - track.xy[0]).T)]


MOMENTS = [(START + 2.0 * k, 2.5 * k) for k in range(10)]


def test_a_walk_between_two_moments_is_interpolated(tmp_path: Path, site: Site) -> None:
    track = read_track(write(tmp_path, "walk.csv", csv_of(MOMENTS)), site)
    (found,) = track.where(np.array([START + 3.0]))
    assert np.hypot(*(found - track.xy[0])) == pytest.approx(3.75, abs=0.01)


def test_before_after_and_in_a_gap_of_more_than_five_seconds_nobody_knows(
    tmp_path: Path, site: Site
) -> None:
    moments = [*MOMENTS, (START + 24.1, 30.0), (START + 26, 32.0)]
    track = read_track(write(tmp_path, "walk.csv", csv_of(moments)), site)
    at = np.array([START - 0.1, START + 17, START + 20, START + 25, START + 26.1])
    assert np.isnan(track.where(at)[:, 0]).tolist() == [True, False, True, False, True]


def test_points_with_a_time_and_a_line_with_times_are_the_same_walk(
    tmp_path: Path, site: Site
) -> None:
    plain = read_track(write(tmp_path, "walk.csv", csv_of(MOMENTS)), site)
    points = geojson(*(({"time": iso(at)}, "Point", degrees(x, 0)) for at, x in MOMENTS))
    line = geojson(
        (
            {"coordTimes": [iso(at) for at, _ in MOMENTS]},
            "LineString",
            [[*degrees(x, 0), 12.0] for _, x in MOMENTS],
        )
    )
    for text in (points, line):
        track = read_track(write(tmp_path, "walk.geojson", text), site)
        assert track.at.tolist() == plain.at.tolist()
        assert track.xy == pytest.approx(plain.xy, abs=0.01)


def test_a_standstill_is_one_place_and_a_walk_is_not(tmp_path: Path, site: Site) -> None:
    random = np.random.default_rng(0)
    still = [(START + 20.0 + k, 25.0 + random.normal(0, 0.8)) for k in range(30)]
    after = [(START + 52.0 + 2 * k, 28.0 + 2.5 * k) for k in range(6)]
    track = read_track(write(tmp_path, "walk.csv", csv_of([*MOMENTS, *still, *after])), site)
    places = steps(track)
    assert places[:9] == [2.5 * k for k in range(9)]
    assert len(set(places[11:39])) == 1
    assert places[20] == pytest.approx(25.0, abs=0.6)
    assert places[-3:] == pytest.approx([35.5, 38.0, 40.5], abs=0.1)


def test_moments_out_of_order_are_put_in_order(tmp_path: Path, site: Site) -> None:
    track = read_track(write(tmp_path, "walk.csv", csv_of([*MOMENTS[::-1], MOMENTS[0]])), site)
    assert steps(track) == [2.5 * k for k in range(10)]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("walk.gpx", "<gpx/>", "neither .csv nor .geojson"),
        ("walk.csv", "time,lon,lat\n1,2,3", "column at is missing"),
        ("walk.csv", "at,lon,lat\n1,2", "line 2: could not convert"),
        ("walk.csv", "at,lon,lat\n1,200,3", "is no time and place"),
        ("walk.csv", "at,lon,lat\n1,140.8,37.1", "fewer than two moments"),
        ("walk.geojson", "{", "is no GeoJSON"),
        ("walk.geojson", "[]", "is no GeoJSON"),
        ("walk.geojson", geojson(({}, "Point", [140.8, 37.1])), "no time"),
        ("walk.geojson", geojson(({}, "LineString", [[140.8, 37.1]])), "coordTimes"),
        ("walk.geojson", geojson(({"time": "noon"}, "Point", [140.8, 37.1])), "noon"),
        (
            "walk.geojson",
            geojson(({"time": "2026-04-01T12:00:00"}, "Point", [140.8, 37.1])),
            "time zone",
        ),
        ("walk.geojson", geojson(), "fewer than two moments"),
    ],
)
def test_a_track_that_cannot_be_used_says_why(
    tmp_path: Path, site: Site, name: str, text: str, what: str
) -> None:
    with pytest.raises(RecordingError, match=what):
        read_track(write(tmp_path, name, text), site)


def test_a_track_that_is_not_there_is_told(tmp_path: Path, site: Site) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        read_track(tmp_path / "walk.csv", site)
