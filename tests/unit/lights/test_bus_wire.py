"""Why a port does not open, in words that say what to do."""

from pathlib import Path

from gateway.lights.bus_wire import explain
from gateway.lights.bus_words import Line


def test_an_adapter_that_is_not_there_is_told_with_where_to_look(tmp_path: Path) -> None:
    said = explain(Line("bus-1", str(tmp_path / "nothing")))
    assert said.startswith("bus bus-1: ")
    assert "plug the adapter in, or set edge.buses.bus-1.device" in said


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is no serial port" in explain(Line("bus-1", str(tmp_path / "file")))


def test_a_device_that_is_there_is_held_by_another(tmp_path: Path) -> None:
    assert "another program holds it" in explain(Line("bus-1", "/dev/null"))
