"""Simulated lamp nodes on a pseudo-terminal, against mbpoll (libmodbus): an independent master."""

import json
import signal
import socket
import subprocess
import sys
import time

import pytest
import serial
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.rtu import sealed, unsealed
from firmware_sim.lamps.wire import SerialSlaves

from tests.needs import ROOT, need
from tests.ports import free_ports

UNITS = {5: "generic", 6: "arc254", 7: "miri"}


@pytest.fixture
def slaves(tmp_path):
    nodes = [
        LampNode(unit=unit, firmware=firmware, lamp=LUMINAIRES["led-40"], seed=2)
        for unit, firmware in UNITS.items()
    ]
    with SerialSlaves(nodes, link=tmp_path / "bus-1") as slaves:
        yield slaves


def mbpoll(slaves, unit, start, *options, values=(), baud="19200"):
    """What mbpoll prints, and how it ends; addresses as on the wire."""
    line = ["-m", "rtu", "-b", baud, "-P", "none", "-0", "-1", "-q", "-o", "0.5"]
    told = ["-a", str(unit), "-r", str(start), *options, str(slaves.link), *map(str, values)]
    return subprocess.run(
        [need("mbpoll"), *line, *told], capture_output=True, text=True, timeout=20, check=False
    )


def numbers(done):
    """{address: number} of what mbpoll read."""
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row.split(":") for row in done.stdout.splitlines() if row.startswith("[")]
    return {int(at.strip("[]")): float(value.split()[0]) for at, value in rows}


def test_mbpoll_reads_and_commands_a_generic_node(slaves):
    commanded = mbpoll(slaves, 5, 100, values=(400, 0))
    read = numbers(mbpoll(slaves, 5, 0, "-c", "10"))

    assert commanded.returncode == 0
    assert (read[1], read[2]) == (400, 400)
    assert read[3] == pytest.approx(165, abs=30)  # a tenth of a watt
    assert numbers(mbpoll(slaves, 5, 100)) == {100: 400}
    assert numbers(mbpoll(slaves, 5, 66, "-t", "4:int", "-B"))[66] == slaves.node(5).serial


def test_mbpoll_reads_and_commands_a_node_of_floats_with_the_low_word_first(slaves):
    commanded = mbpoll(slaves, 6, 2000, values=(254,))
    volts = numbers(mbpoll(slaves, 6, 1000, "-t", "3:float", "-c", "6"))
    levels = numbers(mbpoll(slaves, 6, 1012, "-t", "3", "-c", "2"))

    assert commanded.returncode == 0
    assert 195 < volts[1000] < 202
    assert volts[1004] == pytest.approx(40, rel=0.2)
    assert levels == {1012: 254, 1013: 254}


def test_mbpoll_reads_and_commands_a_node_of_thousandths(slaves):
    commanded = mbpoll(slaves, 7, 0x300, "-t", "4:int", values=(75_000, 0))
    read = numbers(mbpoll(slaves, 7, 0x200, "-t", "4:int", "-c", "8"))

    assert commanded.returncode == 0
    assert read[0x200] == read[0x202] == 75_000
    assert read[0x204] == pytest.approx(30_000, rel=0.2)


def test_mbpoll_is_told_the_exception_of_a_register_that_is_not_there(slaves):
    done = mbpoll(slaves, 5, 500)

    assert "Illegal data address" in done.stdout + done.stderr


def test_mbpoll_hears_nothing_of_a_silent_node_and_a_damaged_frame_of_a_noisy_one(slaves):
    slaves.do(lambda: slaves.node(5).set_fault("silence"))
    slaves.do(lambda: slaves.node(7).set_fault("noise"))

    silent, noisy = mbpoll(slaves, 5, 0), mbpoll(slaves, 7, 0x200)

    assert "timed out" in silent.stdout + silent.stderr
    assert "failed" in noisy.stdout + noisy.stderr
    assert slaves.counts["silence"] == slaves.counts["noise"] == 1


def test_a_master_at_another_speed_is_not_understood(slaves):
    assert "timed out" in mbpoll(slaves, 5, 0, baud="9600").stderr
    assert slaves.counts["other_speed"] == 1


def ask(port, unit):
    port.write(sealed(bytes([unit, 3, 0, 0, 0, 10])))
    return unsealed(port.read(25))


def test_no_answer_is_whole_before_the_wire_could_have_brought_it(slaves):
    pace = slaves.pace
    least_s = pace.poll_s(10) - pace.silence_s
    took_s = []
    with serial.Serial(str(slaves.link), 19_200, timeout=0.5) as port:
        for _ in range(40):
            begun = time.monotonic()
            assert ask(port, 5)
            took_s.append(time.monotonic() - begun)
            time.sleep(2 * pace.silence_s)

    assert min(took_s) >= least_s
    assert min(took_s) < 1.1 * least_s


def test_an_adapter_that_is_pulled_out_is_lost_and_comes_back_under_its_name(slaves):
    port = serial.Serial(str(slaves.link), 19_200, timeout=0.2)
    assert ask(port, 5)

    slaves.unplug()
    assert not slaves.link.exists()
    with pytest.raises(OSError, match=r"."):
        ask(port, 5)
    port.close()
    slaves.plug()

    with serial.Serial(str(slaves.link), 19_200, timeout=0.5) as again:
        assert ask(again, 5)


def test_what_is_done_to_a_node_is_done_between_two_frames_and_errors_come_back(slaves):
    with pytest.raises(ValueError, match="burnt_toast"):
        slaves.do(lambda: slaves.node(5).set_fault("burnt_toast"))
    with pytest.raises(KeyError):
        slaves.do(lambda: slaves.node(99))


def test_the_command_puts_the_sites_lamps_on_two_lines_and_lets_them_be_broken(tmp_path):
    site, (port,) = ROOT / "config" / "site.geojson", free_ports(1)
    lines = [word for n in (1, 2) for word in (f"--bus=bus-{n}", f"--link={tmp_path}/bus-{n}")]
    command = [sys.executable, "-m", "firmware_sim", "lamps", f"--site={site}", *lines]
    process = subprocess.Popen([*command, f"--control={port}"], stderr=subprocess.PIPE, text=True)
    try:
        assert "lamps listen" in process.stderr.readline()
        with serial.Serial(str(tmp_path / "bus-2"), 19_200, timeout=0.5) as bus:
            assert ask(bus, 3)
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                talk = connection.makefile("rw")
                talk.write(f"fault {lamp_at(site, 'bus-2', 3)} silence\n")
                talk.flush()
                assert json.loads(talk.readline())["faults"] == ["silence"]
                talk.close()
            assert ask(bus, 3) is None
            assert ask(bus, 4)
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=10)
    assert (process.returncode, told) == (0, "")
    assert not (tmp_path / "bus-2").is_symlink()


def lamp_at(site, bus, unit):
    known = [f["properties"] for f in json.loads(site.read_text(encoding="utf-8"))["features"]]
    return next(k["id"] for k in known if (k.get("bus"), k.get("unit")) == (bus, unit))
