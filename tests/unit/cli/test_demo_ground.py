"""Where a demo is: the settings that are written are valid, and a port is free."""

import socket
from pathlib import Path

import pytest

from gateway.cli.check import wiring_findings
from gateway.cli.demo_ground import HUB_KEY, Ground, free_port, settings_text, with_adapters
from gateway.model import Role
from gateway.settings import config_dir, load_settings
from gateway.site import load_site


@pytest.mark.parametrize("name", ["demo", "まちもり", 'with "quotes" and \\', "👵"])
@pytest.mark.parametrize("influx", [None, 18_086])
def test_the_settings_are_valid_whatever_the_folder_is_called(
    tmp_path: Path, name: str, influx: int | None
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    site = config_dir() / "site.geojson"
    file = folder / "gateway.toml"
    text = settings_text(Ground(folder, site, 8_080), 11_883, influx)
    file.write_text(text, encoding="utf-8")
    settings = load_settings(file)
    assert (settings.state_dir, settings.site) == (folder, site)
    assert (settings.broker.port, settings.hub.api.port) == (11_883, 8_080)
    assert (Role.SINK in settings.roles) == settings.hub.sink == (influx is not None)
    assert sorted(settings.edge.buses) == ["bus-1", "bus-2", "bus-3", "bus-4"]
    assert settings.edge.buses["bus-1"].device == str(folder / "bus-1")
    assert settings.clock.start is not None
    assert (settings.clock.start + 9 * 3_600) % 86_400 == 15 * 3_600


def test_the_poles_of_the_middle_become_the_gateways_own_adapters(tmp_path: Path) -> None:
    shipped = Ground(tmp_path, config_dir() / "site.geojson")

    ground = with_adapters(shipped)

    file = tmp_path / "gateway.toml"
    file.write_text(settings_text(ground, 11_883, None), encoding="utf-8")
    settings = load_settings(file)
    assert settings.edge.adapters == dict(ground.adapters)
    assert list(settings.edge.adapters) == ["hci0", "hci1"]
    site = load_site(ground.site)
    assert list(wiring_findings(settings, site)) == []
    remote = {one.id for one in site.receivers if one.source is not None}
    before = {one.id for one in load_site(shipped.site).receivers if one.source is not None}
    assert before - remote == set(settings.edge.adapters.values())


def test_the_hubs_key_is_in_the_demos_folder(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(settings_text(Ground(tmp_path, config_dir() / "site.geojson"), 11_883, None))
    assert load_settings(file).hub.key_file == tmp_path / HUB_KEY


def test_port_0_is_any_free_one(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(settings_text(Ground(tmp_path, config_dir() / "site.geojson"), 11_883, None))
    assert load_settings(file).hub.api.port > 1_023


def test_a_port_that_somebody_has_is_left_to_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert free_port(taken) not in {0, taken}
    assert free_port(taken) == taken
