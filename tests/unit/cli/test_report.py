import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from tests.unit.cli.recordings import START, Row, walk, write_recording, write_sightings
from tests.unit.cli.surveys import survey, write_survey
from tests.unit.report.pieces import write_truth


def report(folder: Path, *options: str) -> str:
    out = folder / "report.html"
    assert run_command_line(["report", str(folder), "--out", str(out), *options]) == 0
    return out.read_text(encoding="utf-8")


def deviation_db(page: str, receiver: str) -> float:
    (cells,) = re.findall(rf"<tr[^>]*><td>{receiver}</td>(.*?)</tr>", page)
    return float(re.findall(r"<td>(-?[\d.]+)</td>", cells)[-2])


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A walk of which the truth is known."""
    folder = tmp_path_factory.mktemp("judged")
    write_truth(folder)
    write_recording(folder, walk())
    return report(folder)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same walk, and nothing known of where it led."""
    return report(write_recording(tmp_path_factory.mktemp("blind"), walk()))


class Outside(HTMLParser):
    """Collects what a page would fetch, run or style from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.pictures += tag == "img"
        if tag in {"script", "link", "iframe", "object"} or "style" in known:
            self.found.append(tag)
        address = known.get("src") or known.get("href") or "data:"
        if not address.startswith("data:image/svg+xml;base64,") and address != "data:":
            self.found.append(address)


def test_the_page_needs_nothing_else(judged: str) -> None:
    page = Outside()
    page.feed(judged)
    assert page.found == []
    assert page.pictures == 6
    assert "default-src 'none'" in judged


def test_errors_and_zones_are_scored_where_truth_is_given(judged: str) -> None:
    live, confirmed, route = (
        re.findall(rf"<td>{mode}</td><td>(\d+)</td><td>([\d.]+)</td>", judged)
        for mode in ("live", "confirmed", "route")
    )
    assert [len(found) for found in (live, confirmed, route)] == [1, 1, 1]
    assert int(live[0][0]) > 80
    assert float(route[0][1]) <= float(live[0][1]) < 5
    assert re.search(r"<td>end</td><td>1</td><td>0</td><td>0</td>", judged)


def test_without_truth_the_page_says_so(blind: str) -> None:
    assert "The recording has no truth" in blind
    assert "The recording has no zone truth" in blind
    assert "median, m" not in blind
    page = Outside()
    page.feed(blind)
    assert page.pictures == 3


def test_every_receiver_and_event_is_told(blind: str) -> None:
    judged = set(re.findall(r"<td>(r\d)</td>", blind))
    (listed,) = re.findall(r"Too seldom near a tag to be judged(.*?)</p>", blind)
    seldom = set(re.findall(r"r\d", listed))
    assert {"r1", "r2", "r3"} <= judged
    assert sorted(judged | seldom) == ["r0", "r1", "r2", "r3", "r4"]
    assert not judged & seldom
    assert re.search(r"<td class=\"word\">end</td><td class=\"word\">enter</td>", blind)


def test_what_should_be_looked_at_stands_first(tmp_path: Path) -> None:
    """A pole that hears nobody, one that is not on the plan, a zone too narrow to be decided."""
    rows: list[Row] = [row for row in walk() if row[1] != "r2"]
    folder = write_recording(tmp_path, rows)
    write_sightings(folder, [*rows, (START + 1.0, "elsewhere", "t", -60.0)])
    site = json.loads((folder / "site.geojson").read_text(encoding="utf-8"))
    (zone,) = (one for one in site["features"] if one["properties"]["kind"] == "zone")
    (ring,) = zone["geometry"]["coordinates"]
    for corner in ring:
        corner[0] = ring[0][0] + (corner[0] - ring[0][0]) / 10
    (folder / "site.geojson").write_text(json.dumps(site), encoding="utf-8")
    first = report(folder).split("<h2>")[1]
    assert "<strong>receiver r2</strong>: heard a tag in 0 of the" in first
    assert "<strong>receiver elsewhere</strong>: is heard and not on the site" in first
    assert "too narrow to be decided" in first


def test_names_from_the_site_cannot_become_markup(tmp_path: Path) -> None:
    folder = write_recording(tmp_path, walk(seconds=20))
    file = folder / "site.geojson"
    text = file.read_text(encoding="utf-8").replace('"name": "road"', '"name": "<b>駅前</b>"')
    file.write_text(text, encoding="utf-8")
    page = report(folder)
    assert "&lt;b&gt;駅前&lt;/b&gt;" in page
    assert "<b>" not in page


def test_a_damaged_truth_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    (folder / "truth.csv.gz").write_bytes(b"nonsense")
    out = tmp_path / "report.html"
    assert run_command_line(["report", str(folder), "--out", str(out)]) == 2
    assert "truth.csv.gz" in capsys.readouterr().err
    assert not out.exists()


def test_receivers_are_compared_with_the_radios_that_the_recording_taught(tmp_path: Path) -> None:
    """One hears 12 dB less: that was learned, and it is to be looked at all the same."""
    rows: list[Row] = [
        (at, receiver, tag, dbm - 12.0 * (receiver == "r2"))
        for n in range(6)
        for at, receiver, tag, dbm in walk(start=START + 120 * n, seconds=120, seed=n)
    ]
    page = report(write_recording(tmp_path, rows))
    assert abs(deviation_db(page, "r2")) < 4
    assert "weaker than the usual receiver" in page


def test_a_survey_in_the_folder_is_used_unless_it_is_declined(tmp_path: Path) -> None:
    """One receiver hears 12 dB less, in the survey too: so it does not deviate from the map."""
    rows: list[Row] = [
        (at, receiver, tag, dbm - 12.0 * (receiver == "r2"))
        for at, receiver, tag, dbm in walk(seconds=120)
    ]
    folder = write_recording(tmp_path, rows)
    places = [
        (lon, lat, receiver, dbm - 12.0 * (receiver == "r2"), day)
        for lon, lat, receiver, dbm, day in survey()
    ]
    write_survey(folder / "survey.csv.gz", places)
    assert abs(deviation_db(report(folder), "r2")) < 4
    assert deviation_db(report(folder, "--no-survey"), "r2") < -6
