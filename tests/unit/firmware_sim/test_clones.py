import numpy as np
import pytest
from firmware_sim.clones import LATENCY_S, Clone
from firmware_sim.people import Errand
from firmware_sim.record import write_recording
from firmware_sim.world import Press, World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED

CHILD = "child-001"


def world(site, *clones, native=1.0, presses=()):
    return World(
        site,
        seed=SEED,
        start=SCHOOL_IS_OUT,
        people=1,
        most_outdoors=1,
        errands=(Errand(CHILD, "school", "home"),),
        presses=presses,
        native=native,
        clones=clones,
    )


def played_in(town, seconds):
    """(after_s, packet, xy) of all that was played, and all packets of the tag itself."""
    played, own = [], []
    for second in range(1, seconds + 1):
        step = town.step(SCHOOL_IS_OUT + second)
        assert np.all(np.diff(step.sent.at) >= 0.0)
        for number, at in enumerate(step.sent.at.tolist()):
            told = (at - SCHOOL_IS_OUT, town.packet(step, number), tuple(step.sent.xy[number]))
            (played if number in step.played else own).append(told)
    return played, own


@pytest.mark.parametrize("native", [0.0, 1.0])
def test_what_is_played_at_once_is_at_two_places_at_the_same_time(site, native):
    town = world(site, Clone(CHILD, 10.0, 20.0, 0.0, "p001"), native=native)

    played, own = played_in(town, 30)

    relayed = [packet for at, packet, _ in own if 10.0 <= at < 20.0]
    assert [packet for _, packet, _ in played] == relayed
    assert len(relayed) >= 9
    assert {xy for _, _, xy in played} == {tuple(site.node_xyz[0, :2])}
    assert played[0][0] == pytest.approx(
        min(at for at, _, _ in own if at >= 10.0) + LATENCY_S, abs=1e-6
    )


def test_a_tape_is_played_later_as_it_was_heard_with_its_sos(site):
    town = world(site, Clone(CHILD, 5.0, 25.0, 60.0, "school"), presses=(Press(CHILD, 10.0),))

    played, own = played_in(town, 90)

    recorded = [(at, packet) for at, packet, _ in own if 5.0 <= at < 25.0]
    assert [packet for _, packet, _ in played] == [packet for _, packet in recorded]
    assert [at - 60.0 for at, _, _ in played] == pytest.approx([at for at, _ in recorded])
    assert sum(packet.frame.uuid == "fcd2" for _, packet, _ in played) > 60


def test_an_attackers_packets_are_heard_where_the_attacker_is_and_are_told(site):
    town = world(site, Clone(CHILD, 0.0, 60.0, 0.0, "p001"), presses=(Press(CHILD, 5.0),))
    near, deeds = 0, []
    for second in range(1, 31):
        step = town.step(SCHOOL_IS_OUT + second)
        copied = step.sent.tag[step.heard.packet] == 1
        near += np.sum(copied & (step.heard.receiver == 0))
        deeds += step.deeds

    assert near > 30
    assert [deed.what for deed in deeds].count("pressed") == 1
    played = {deed.detail.split(":")[0] for deed in deeds if deed.what == "played"}
    assert {"eid", "sos"} <= played <= {"eid", "sos", "telemetry"}
    assert {deed.person for deed in deeds} == {0}


def test_a_recording_takes_a_clone_for_the_tag(site, tmp_path):
    with_clone = world(site, Clone(CHILD, 0.0, 60.0, 0.0, "p001"))

    honest = write_recording(world(site), tmp_path / "a", start=SCHOOL_IS_OUT, seconds=20)
    copied = write_recording(with_clone, tmp_path / "b", start=SCHOOL_IS_OUT, seconds=20)

    assert copied.sightings > 1.3 * honest.sightings


def test_an_attacker_at_no_place_is_refused(site):
    with pytest.raises(ValueError, match="nowhere is no receiver"):
        world(site, Clone(CHILD, 0.0, 1.0, 0.0, "nowhere"))
    with pytest.raises(ValueError, match="nobody is called"):
        world(site, Clone("child-099", 0.0, 1.0, 0.0, "p001"))
