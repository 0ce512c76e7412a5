import pytest
from firmware_sim.bluez.bus import private_bus
from firmware_sim.bluez.simulated import SimulatedBluez


@pytest.mark.parametrize("name", ["hci0", "5.66", "", "hci 1"])
def test_an_adapters_name_is_new_and_fits_into_a_path(name):
    bluez = SimulatedBluez()
    bluez.add_adapter("hci0")
    with pytest.raises(ValueError, match="no name for an adapter"):
        bluez.add_adapter(name)


def test_without_a_dbus_daemon_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="apt install dbus"), private_bus():
        pass
