import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from gateway.report.scoring import Tolerance
from gateway.report.truth import TruthError, read_truths
from gateway.site import Site, load_site
from tests.unit.cli.recordings import degrees, write_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write_site(tmp_path)
    return load_site(tmp_path / "site.geojson")


def write(file: Path, text: str) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as packed:
        packed.write(text)


def test_a_recording_without_truth_is_no_error(tmp_path: Path, site: Site) -> None:
    found = read_truths(tmp_path, site)
    assert (found.tags, found.zones, found.ways) == ({}, [], [])
    assert found.tolerance == Tolerance()


def test_truth_is_read_by_tag_and_by_time(tmp_path: Path, site: Site) -> None:
    (x0, y0), (x1, y1) = degrees(0, 0), degrees(30, 0)
    write(tmp_path / "truth.csv.gz", f"at,tag,lon,lat\n9,b,0,0\n5,a,{x1},{y1}\n4,a,{x0},{y0}\n")
    found = read_truths(tmp_path, site).tags
    assert list(found) == ["a", "b"]
    assert found["a"].at.tolist() == [4.0, 5.0]
    assert np.hypot(*np.diff(found["a"].xy, axis=0)[0]) == pytest.approx(30, abs=0.1)


def test_zone_truth_is_read_by_tag_and_zone(tmp_path: Path, site: Site) -> None:
    rows = "at,tag,zone,inside\n1,a,end,0\n2,a,end,1\n1,a,gate,1\n"
    write(tmp_path / "zone_truth.csv.gz", rows)
    (end, gate) = read_truths(tmp_path, site).zones
    assert (end.tag, end.zone, end.inside.tolist()) == ("a", "end", [False, True])
    assert (gate.zone, gate.at.tolist()) == ("gate", [1.0])


def test_a_way_without_times_is_read(tmp_path: Path, site: Site) -> None:
    line = {"type": "LineString", "coordinates": [degrees(0, 0), degrees(40, 0)]}
    document = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line}]}
    (tmp_path / "reference_path.geojson").write_text(json.dumps(document), encoding="utf-8")
    (way,) = read_truths(tmp_path, site).ways
    assert np.hypot(*(way[1] - way[0])) == pytest.approx(40, abs=0.1)


def test_the_site_says_how_late_an_event_may_be(tmp_path: Path, site: Site) -> None:
    file = tmp_path / "site.geojson"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["properties"] |= {"zone_match_early_s": 4, "zone_match_late_s": "soon"}
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_truths(tmp_path, site).tolerance == Tolerance(4, 30.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("truth.csv.gz", "at,tag,lon\n1,a,140\n"),
        ("truth.csv.gz", "at,tag,lon,lat\n1,a,140,north\n"),
        ("truth.csv.gz", "at,tag,lon,lat\n1,a,140\n"),
        ("zone_truth.csv.gz", "at,tag,zone,inside\n1,a,end,yes\n"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, site: Site, name: str, text: str) -> None:
    write(tmp_path / name, text)
    with pytest.raises(TruthError, match=name):
        read_truths(tmp_path, site)


def test_damaged_files_are_named(tmp_path: Path, site: Site) -> None:
    for name in ("truth.csv.gz", "reference_path.geojson"):
        (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(TruthError, match=name):
            read_truths(tmp_path, site)
        (tmp_path / name).unlink()
