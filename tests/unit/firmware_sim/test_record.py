import csv
import gzip

import pytest
from firmware_sim.record import write_recording
from firmware_sim.world import World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED


def rows(folder, name):
    with gzip.open(folder / name, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def recording(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    return folder, record(site, folder)


def record(site, folder):
    world = World(site, seed=SEED, start=SCHOOL_IS_OUT, people=20, most_outdoors=10)
    return write_recording(world, folder, start=SCHOOL_IS_OUT, seconds=60)


def test_a_recording_has_the_columns_that_locate_and_score_read(recording):
    folder, _ = recording

    assert list(rows(folder, "sightings.csv.gz")[0]) == ["at", "receiver", "tag", "rssi_dbm"]
    assert list(rows(folder, "truth.csv.gz")[0]) == ["at", "tag", "lon", "lat"]
    assert list(rows(folder, "zone_truth.csv.gz")[0]) == ["at", "tag", "zone", "inside"]


def test_sightings_are_in_order_of_time_and_of_known_receivers_and_registered_tags(recording, site):
    folder, written = recording
    sightings = rows(folder, "sightings.csv.gz")

    times = [float(row["at"]) for row in sightings]
    assert times == sorted(times)
    assert SCHOOL_IS_OUT < times[0] < times[-1] < SCHOOL_IS_OUT + 60.0
    assert {row["receiver"] for row in sightings} <= {node.id for node in site.nodes}
    assert {row["tag"] for row in sightings} <= {f"tag-{n:03d}" for n in range(1, 19)}
    assert len(sightings) == written.sightings > 500


def test_every_truth_row_has_a_zone_row_for_every_zone(recording, site):
    folder, written = recording

    truth, zones = rows(folder, "truth.csv.gz"), rows(folder, "zone_truth.csv.gz")

    assert len(truth) == written.truth > 60
    assert len(zones) == len(truth) * len(site.zones)
    assert {row["inside"] for row in zones} == {"0", "1"}


def test_the_same_world_makes_the_same_bytes(recording, site, tmp_path):
    folder, _ = recording
    record(site, tmp_path)

    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
