"""The dashboard asks for what the sink writes, and shows nobody; the docs name what is written."""

import json
import re

import pytest

from tests.needs import ROOT
from tests.unit.outputs.dashboard import FILE, Query, queries
from tests.unit.outputs.whole_lines import whole_points

POINTS = whole_points()
QUERIES = tuple(queries())
IDS = [query.panel for query in QUERIES]
DOCS = ROOT / "docs" / "operations"


@pytest.mark.parametrize("query", QUERIES, ids=IDS)
def test_a_query_names_measurements_tags_and_fields_that_are_written(query: Query) -> None:
    assert query.measurements
    assert query.measurements <= POINTS.keys()
    written = {name for one in query.measurements for name in POINTS[one].tags | POINTS[one].fields}
    assert query.names <= written


@pytest.mark.parametrize("query", QUERIES, ids=IDS)
def test_of_persons_a_query_takes_numbers_and_nothing_else(query: Query) -> None:
    personal = {"position", "alert"} & query.measurements
    if personal:
        assert query.names <= {"id", "n_heard", "kind", "state", "site"}
        assert re.match(r'SELECT count\("\w+"\) FROM', query.text)


def test_every_measurement_is_on_it() -> None:
    assert set().union(*(query.measurements for query in QUERIES)) == POINTS.keys()


def test_its_panels_have_ids_and_places_of_their_own() -> None:
    panels = json.loads(FILE.read_text(encoding="utf-8"))["panels"]
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not own & cells
        assert max(x for x, _ in own) < 24
        cells |= own
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("measurement", sorted(POINTS))
@pytest.mark.parametrize("page", ["influxdb.md", "influxdb.ja.md"])
def test_the_docs_name_every_tag_and_field_of_a_measurement(page: str, measurement: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{measurement}` \|.*$", text, re.MULTILINE)
    _, _, _, tags, fields, _ = row.split("|")
    point = POINTS[measurement]
    assert set(re.findall(r"`(\w+)`", tags)) >= point.tags.keys()
    missing = point.fields.keys() - set(re.findall(r"`(\w+)`", fields))
    if measurement == "lamp_event":  # and the readings that showed the fault
        missing -= POINTS["lamp"].fields.keys()
    assert missing == set()
