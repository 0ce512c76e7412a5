import csv
import json

from firmware_sim.people import Errand
from firmware_sim.truth import DEED_COLUMNS, TRUTH_COLUMNS, TruthFile, roster, write_roster
from firmware_sim.world import Press, World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED


def test_the_roster_names_children_and_elders_with_both_identifiers(site, tmp_path):
    world = World(site, seed=SEED, start=SCHOOL_IS_OUT, people=20, most_outdoors=10)

    write_roster(world, tmp_path / "tags.json")

    tags = json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))["tags"]
    assert tags == roster(world)
    assert {tag["kind"] for tag in tags} == {"child", "elder"}
    assert tags[0]["person"] == "child-001"
    assert tags[0]["name"] == "こども 1"
    assert tags[0]["identifiers"] != tags[0]["button"]
    assert all(tag["home_zone"].startswith("block-") for tag in tags)


def test_the_roster_has_a_native_tags_keys_in_place_of_identifiers(site):
    world = World(site, seed=SEED, start=SCHOOL_IS_OUT, people=20, most_outdoors=10, native=1 / 3)

    first, second, *_ = roster(world)

    keys = world.natives[0].keys
    assert (first["identifiers"], first["button"], "address" in first) == ([], [], False)
    assert first["native"] == {
        "identity_key": keys.identity_key.hex(),
        "rotation_exponent": 10,
        "zero_at": keys.zero_at,
        "bind_key": keys.bind_key.hex(),
    }
    assert "native" not in second
    assert json.loads(json.dumps(first)) == first


def test_what_befalls_tags_stands_beside_the_truth(site, tmp_path):
    world = World(
        site,
        seed=SEED,
        start=SCHOOL_IS_OUT,
        people=1,
        most_outdoors=1,
        native=1.0,
        presses=(Press("child-001", 3.5),),
    )

    with TruthFile(world, tmp_path / "truth.csv") as truth:
        for second in range(1, 6):
            truth.tell(world.step(SCHOOL_IS_OUT + second).deeds)

    with (tmp_path / "truth-deeds.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == DEED_COLUMNS
    assert (row["what"], row["person"], row["tag"]) == ("pressed", "child-001", "tag-001")
    assert float(row["at"]) == SCHOOL_IS_OUT + 3.5
    assert int(row["detail"]) == world.natives[0].counter
    assert abs(float(row["lon"]) - 140.93) < 0.01


def test_truth_has_a_row_for_everybody_outdoors_and_ends_in_the_school(site, tmp_path):
    noon = SCHOOL_IS_OUT - 3 * 3600.0
    errand = Errand("child-001", "home", "school")
    world = World(site, seed=SEED, start=noon, people=1, most_outdoors=1, errands=(errand,))

    with TruthFile(world, tmp_path / "truth.csv") as truth:
        for second in range(1, 1500):
            truth.write(noon + second, world.step(noon + second).scene)

    with (tmp_path / "truth.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == TRUTH_COLUMNS
    assert {row["person"] for row in rows} == {"child-001"}
    times = [float(row["at"]) for row in rows]
    assert times == [noon + second for second in range(1, len(rows) + 1)]
    assert "school" in rows[-1]["zones"].split()
    assert "school" not in rows[0]["zones"].split()
    assert abs(float(rows[0]["lon"]) - 140.93) < 0.01
