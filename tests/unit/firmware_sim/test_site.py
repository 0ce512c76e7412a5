import json

import numpy as np
import pytest
from firmware_sim.site import parse_site


def test_a_site_without_origin_takes_its_first_vertex(site_text):
    document = json.loads(site_text)
    del document["properties"]["origin"]

    read = parse_site(json.dumps(document))

    assert np.allclose(read.paths[0].points[0], [0.0, 0.0])


def test_points_lead_to_the_zones_that_hold_them(site):
    gate = site.zones[[zone.id for zone in site.zones].index("school-gate")]
    inside = gate.ring[:4].mean(axis=0)

    mask = site.zone_masks(np.array([inside, [-5000.0, 0.0]]))

    held = {zone.id for zone, holds in zip(site.zones, mask, strict=True) if holds[0]}
    assert "school-gate" in held
    assert not mask[:, 1].any()


def test_what_is_no_site_is_refused():
    with pytest.raises(KeyError):
        parse_site('{"type": "FeatureCollection"}')
