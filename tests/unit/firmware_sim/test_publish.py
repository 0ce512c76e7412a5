import json
import socket

import numpy as np
import pytest
from firmware_sim.adapters import make_nodes
from firmware_sim.geometry import middle
from firmware_sim.nodes import Message
from firmware_sim.people import Errand
from firmware_sim.publish import Broker, SimClock, Town
from firmware_sim.truth import TruthFile
from firmware_sim.world import Press, World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED


class Ear(Broker):
    """A broker that keeps what it is told."""

    def __init__(self):
        super().__init__("nowhere", 1)
        self.told: list[Message] = []

    def publish(self, messages):
        self.told += messages


@pytest.fixture
def town(site, tmp_path):
    world = World(
        site,
        seed=SEED,
        start=SCHOOL_IS_OUT,
        people=1,
        most_outdoors=1,
        errands=(Errand("child-001", "school", "home"),),
        presses=(Press("child-001", 5.0),),
    )
    with TruthFile(world, tmp_path / "truth.csv") as truth:
        ear = Ear()
        nodes = make_nodes(site, {}, None)
        clock = SimClock(SCHOOL_IS_OUT, 0.0, 1.0)
        yield Town(world, clock=clock, broker=ear, truth=truth, nodes=nodes), ear


def test_the_clock_tells_what_every_process_with_the_three_numbers_tells(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_060.0)

    assert SimClock(start=5_000.0, anchor=1_000.0, rate=10.0).utc() == 5_600.0


def test_a_step_publishes_what_the_receivers_heard(town):
    running, ear = town

    for second in range(1, 11):
        running.advance(SCHOOL_IS_OUT + second)

    devices = [m for m in ear.told if "/BTtoMQTT/" in m.topic]
    assert len(devices) > 40
    minors = {json.loads(m.payload)["minor"] for m in devices}
    assert minors == {2, 3}  # the tag's position and its button


def test_a_receiver_that_is_an_adapter_hears_as_before_and_is_silent_on_mqtt(site, tmp_path):
    class Air:
        heard = 0

        def advert(self, adapter, packet, rssi_dbm):
            assert adapter == "hci0"
            self.heard += packet.address == world.tags[0].firmware.address

    world = World(
        site,
        seed=SEED,
        start=SCHOOL_IS_OUT,
        people=1,
        most_outdoors=1,
        errands=(Errand("child-001", "school", "home"),),
    )
    school = middle(next(zone.ring for zone in site.zones if zone.use == "school"))
    near = site.nodes[int(np.hypot(*(site.node_xyz[:, :2] - school).T).argmin())]
    air, ear = Air(), Ear()
    with TruthFile(world, tmp_path / "truth.csv") as truth:
        nodes = make_nodes(site, {"hci0": near.id}, air)
        clock = SimClock(SCHOOL_IS_OUT, 0.0, 1.0)
        running = Town(world, clock=clock, broker=ear, truth=truth, nodes=nodes)
        for second in range(1, 131):
            running.advance(SCHOOL_IS_OUT + second)

    assert air.heard > 10
    assert not [m for m in ear.told if m.topic.startswith(f"{near.topic}/")]


def test_every_receiver_tells_its_state_within_two_minutes(town, site):
    running, ear = town

    for second in range(1, 121):
        running.advance(SCHOOL_IS_OUT + second)

    tellers = {m.topic for m in ear.told if m.topic.endswith(("/SYStoMQTT", "/telemetry"))}
    assert len(tellers) == len(site.nodes)


def test_messages_without_a_broker_are_counted_and_lost():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        broker = Broker("127.0.0.1", closed.getsockname()[1])

        fresh = broker.serve(0.01)
        broker.publish([Message("a", "1"), Message("b", "2")])
        broker.close()

    assert not fresh
    assert (broker.counts.published, broker.counts.unpublished) == (0, 2)
