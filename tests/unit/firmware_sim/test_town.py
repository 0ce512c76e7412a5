import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from firmware_sim.geometry import inside, metres_per_degree
from firmware_sim.site import parse_site
from firmware_sim.town import draw_bend, generate_site, pole_places

from gateway.cli.site_checks import site_findings
from gateway.geojson import read_document
from gateway.site import build_site, load_site
from tests.needs import ROOT


def features(text, kind):
    return [f for f in json.loads(text)["features"] if f["properties"]["kind"] == kind]


def test_the_same_seed_gives_the_same_file_and_another_seed_another(site_text):
    assert generate_site(seed=5) == site_text
    assert generate_site(seed=6) != site_text


def test_the_site_is_a_file_of_reasonable_size_near_iwaki(site_text):
    lonlat = np.array([f["geometry"]["coordinates"] for f in features(site_text, "lamp")])

    assert len(site_text.encode()) < 600_000
    assert np.all(np.abs(lonlat - (140.93, 36.99)) < 0.01)


def test_the_committed_site_is_what_the_generator_makes():
    committed = (ROOT / "config" / "site.geojson").read_text(encoding="utf-8")

    assert generate_site(seed=json.loads(committed)["properties"]["seed"]) == committed


def test_there_are_298_lots_in_sections_of_82_81_34_and_101(site_text):
    sections = Counter(f["properties"]["section"] for f in features(site_text, "lot"))

    assert sections == {"a": 82, "b": 81, "c": 34, "d": 101}


def test_every_pole_bears_a_receiver_and_a_lamp(site_text):
    receivers, lamps = features(site_text, "receiver"), features(site_text, "lamp")

    poles = [f["properties"]["pole"] for f in receivers]
    assert poles == [f["properties"]["pole"] for f in lamps]
    assert len(set(poles)) == len(poles) > 100
    assert {f["properties"]["format"] for f in receivers} == {"openmqttgateway", "espresense"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_poles_along_a_street_are_25_to_35_m_apart(seed):
    text = generate_site(seed=seed)
    site = parse_site(text)
    rng = np.random.default_rng([seed, 0])
    streets = [street.name for street, _ in pole_places(draw_bend(rng), rng)]

    spans = [
        np.hypot(*(there - here))
        for (street, here), (other, there) in pairwise(
            zip(streets, site.node_xyz[:, :2], strict=True)
        )
        if street == other
    ]

    assert len(spans) > 100
    assert min(spans) >= 25.0
    assert max(spans) <= 35.0


def test_poles_stand_neither_in_a_lot_nor_on_the_line_that_people_walk(site):
    for lot in site.lots:
        assert not inside(lot.ring, site.node_xyz[:, :2]).any()


def test_all_ways_are_one_network_through_shared_vertices(site_text):
    ways = [[tuple(c) for c in f["geometry"]["coordinates"]] for f in features(site_text, "path")]
    reached, left = set(ways[0]), ways[1:]
    while joined := [way for way in left if reached & {way[0], way[-1]} or reached & set(way)]:
        for way in joined:
            reached |= set(way)
            left.remove(way)

    assert left == []


def test_zones_are_at_least_20_m_wide(site):
    for zone in site.zones:
        edges = np.diff(zone.ring, axis=0)
        for direction in edges / np.hypot(*edges.T)[:, None]:
            across = zone.ring @ np.array([-direction[1], direction[0]])
            assert np.ptp(across) >= 20.0, zone.id


def test_every_zone_of_the_plan_is_there(site):
    uses = Counter(zone.use for zone in site.zones)

    assert uses["section"] == 4
    assert uses["home_block"] == 15
    assert all(uses[use] == 1 for use in ("school", "school_gate", "park", "shop", "community"))


def test_coordinates_have_eight_decimals(site_text):
    numbers = np.array([f["geometry"]["coordinates"] for f in features(site_text, "receiver")])

    assert np.array_equal(np.round(numbers, 8), numbers)
    assert 1e-8 * max(metres_per_degree(36.99)) < 0.002


def test_the_gateway_reads_the_site_and_finds_nothing_wrong(tmp_path, site_text):
    file = tmp_path / "site.geojson"
    file.write_text(site_text, encoding="utf-8")

    read = load_site(file)

    document = read_document(file)
    assert list(site_findings(build_site(document, file), document)) == []
    assert (len(read.lots), read.crs, read.name) == (298, "EPSG:6677", "いわきスマートタウン")


def test_the_simulator_and_the_gateway_agree_on_metres_to_a_few_centimetres(
    tmp_path, site_text, site
):
    file = tmp_path / "site.geojson"
    file.write_text(site_text, encoding="utf-8")
    theirs = np.array([receiver.xy for receiver in load_site(file).receivers])
    ours = site.node_xyz[:, :2]

    spans = [np.hypot(*(places[40:] - places[0]).T) for places in (theirs, ours)]

    assert np.allclose(spans[0], spans[1], atol=0.05)


def test_four_gateways_share_the_receivers_by_section():
    text = generate_site(seed=1, gateways=4)

    shares = Counter(f["properties"]["gateway"] for f in features(text, "receiver"))
    assert set(shares) == {"gw-01", "gw-02", "gw-03", "gw-04"}
    assert min(shares.values()) > 15
