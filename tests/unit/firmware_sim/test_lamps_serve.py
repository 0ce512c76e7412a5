import json
import socket

import pytest
from firmware_sim.lamps.serve import Around, Switchboard, control_port, installed
from firmware_sim.lamps.weather import Weather
from firmware_sim.lamps.wire import SerialSlaves

NOW = 1_793_090_000.0


class Rig:
    """One line of the site, its first lamp, and what obeys commands."""

    def __init__(self, link, site_text):
        nodes = installed(site_text, gateway="gw-01", bus="bus-3", seed=1)
        self.around = Around(Weather(seed=1))
        self.slaves = SerialSlaves(
            list(nodes.values()), link=link, surroundings=self.around, utc=lambda: NOW
        )
        lamps = {lamp: (self.slaves, node) for lamp, node in nodes.items()}
        self.board = Switchboard({"bus-3": self.slaves}, lamps, self.around)
        self.lamp, self.node = next(iter(nodes.items()))

    def obey(self, command):
        return self.board.obey(command)


@pytest.fixture
def rig(tmp_path, site_text):
    rig = Rig(tmp_path / "bus-3", site_text)
    with rig.slaves:
        yield rig


def test_the_nodes_of_a_line_are_those_of_the_site_and_no_two_are_alike(site_text):
    known = [f["properties"] for f in json.loads(site_text)["features"]]
    wanted = {k["id"]: k for k in known if k["kind"] == "lamp" and k["bus"] == "bus-3"}

    nodes = installed(site_text, gateway="gw-01", bus="bus-3", seed=1)

    assert {lamp: (n.unit, n.firmware) for lamp, n in nodes.items()} == {
        lamp: (k["unit"], k["profile"]) for lamp, k in wanted.items()
    }
    assert len({node.serial for node in nodes.values()}) == len(nodes)
    assert len({node.counters.operating_h for node in nodes.values()}) == len(nodes)


def test_a_line_without_lamps_is_an_error_that_names_those_there_are(site_text):
    with pytest.raises(ValueError, match=r"bus-9.*'bus-1', 'bus-2'"):
        installed(site_text, gateway="gw-01", bus="bus-9", seed=1)


def test_a_lamp_is_broken_and_mended_and_the_truth_is_told_each_time(rig):
    assert rig.obey(f"state {rig.lamp}")["faults"] == []

    assert rig.obey(f"fault {rig.lamp} silence")["answers"] is False
    assert rig.obey(f"fault {rig.lamp} door")["faults"] == ["door", "silence"]
    assert rig.obey(f"mend {rig.lamp} silence")["faults"] == ["door"]
    assert rig.obey(f"mend {rig.lamp}")["faults"] == []


def test_somebody_before_the_sensor_is_seen(rig):
    rig.obey(f"motion {rig.lamp} on")
    assert rig.node.poll()["motion"] is True

    rig.obey(f"motion {rig.lamp} off")
    assert rig.node.poll()["motion"] is False


def test_surroundings_stand_in_for_the_weather_until_they_are_taken_back(rig):
    assert rig.obey("surroundings supply_v=0 lux=7") == {"supply_v": 0.0, "lux": 7.0}
    assert rig.around(NOW).lux == 7.0
    assert rig.around(NOW).supply_v == 0.0

    rig.obey("surroundings")

    assert rig.around(NOW) == Weather(seed=1).at(NOW)


def test_a_lines_trouble_is_set_whole(rig):
    rig.obey("line bus-3 noise=0.2 late=0.1")
    assert (rig.slaves.line.trouble.noise, rig.slaves.line.trouble.late) == (0.2, 0.1)

    rig.obey("line bus-3")
    assert rig.slaves.line.trouble.noise == 0.0


def test_the_plug_is_pulled_and_put_in_again(rig):
    rig.obey("unplug bus-3")
    assert not rig.slaves.link.exists()

    rig.obey("plug bus-3")
    assert rig.slaves.link.exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("", "there are state, fault"),
        ("burn lamp-001", "there are state, fault"),
        ("state", "index"),
        ("state lamp-999", "lamp-999"),
        ("fault {lamp} burnt_toast", "burnt_toast"),
        ("motion {lamp} maybe", "maybe"),
        ("line bus-9 noise=1", "bus-9"),
        ("line bus-3 noise=much", "much"),
        ("line bus-3 nose=1", "nose"),
        ("surroundings luxx=1", "luxx"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_else_happens(rig, command, told):
    answered = rig.obey(command.format(lamp=rig.lamp))

    assert list(answered) == ["error"]
    assert told in answered["error"]
    assert rig.node.faults == frozenset()


def test_the_port_answers_each_line_with_a_line_of_json(rig):
    with (
        control_port(0, rig.board) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        connection.makefile("rw", encoding="utf-8") as talk,
    ):
        answers = []
        for command in (f"fault {rig.lamp} tilted", "counts bus-3"):
            talk.write(command + "\n")
            talk.flush()
            answers.append(json.loads(talk.readline()))

    assert answers[0]["faults"] == ["tilted"]
    assert answers[1] == {}
