import json
from collections import Counter

import pytest
from firmware_sim.lamps.firmwares import Firmware
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.town import generate_site

from gateway.site import load_site


def lamps(seed, **keywords):
    features = json.loads(generate_site(seed=seed, **keywords))["features"]
    return [f["properties"] for f in features if f["properties"]["kind"] == "lamp"]


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_four_lines_of_one_gateway_have_at_most_forty_lamps_each_counted_from_one(seed):
    placed = lamps(seed)

    lines = {
        bus: [x["unit"] for x in placed if x["bus"] == bus]
        for bus in Counter(x["bus"] for x in placed)
    }
    assert set(lines) == {"bus-1", "bus-2", "bus-3", "bus-4"}
    assert all(units == list(range(1, len(units) + 1)) for units in lines.values())
    assert max(len(units) for units in lines.values()) <= 40
    assert {x["gateway"] for x in placed} == {"gw-01"}


def test_where_there_are_four_gateways_each_has_one_line():
    assert {(x["gateway"], x["bus"]) for x in lamps(1, gateways=4)} == {
        (f"gw-{line:02d}", f"bus-{line}") for line in (1, 2, 3, 4)
    }


def test_most_are_of_one_make_and_a_few_of_the_other_two_and_of_every_kind():
    placed = lamps(1)

    makes, kinds = (Counter(x[key] for x in placed) for key in ("profile", "lamp_type"))
    assert set(makes) == set(Firmware)
    assert set(kinds) == set(LUMINAIRES)
    assert makes["generic"] > 0.8 * len(placed)
    assert all(3 < count < 20 for make, count in makes.items() if make != "generic")


def test_every_lamp_is_in_its_section_and_street_and_some_are_at_park_and_school():
    groups = Counter(group for x in lamps(1) for group in x["groups"])

    assert sum(groups[f"section-{section}"] for section in "abcd") == len(lamps(1))
    assert groups["street-main"] > 20
    assert groups["park"] >= 3
    assert groups["school-gate"] >= 1


def test_the_gateway_reads_what_is_said_of_each_lamp(tmp_path):
    file = tmp_path / "site.geojson"
    file.write_text(generate_site(seed=1), encoding="utf-8")

    read = load_site(file).lamps

    keys = ("id", "gateway", "bus", "unit", "profile", "lamp_type")
    assert [tuple(getattr(lamp, key) for key in keys) for lamp in read] == [
        tuple(x[key] for key in keys) for x in lamps(1)
    ]
    assert [list(lamp.groups) for lamp in read] == [x["groups"] for x in lamps(1)]
