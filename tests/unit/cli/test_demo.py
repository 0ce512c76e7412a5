"""The demo's folder and settings: nobody else's files are deleted, and what is written is valid."""

import socket
from pathlib import Path

import pytest

from gateway.cli.check import wiring_findings
from gateway.cli.demo import (
    HUB_KEY,
    MARKER,
    ROSTER,
    Ground,
    claim,
    demo,
    free_port,
    settings_text,
    with_adapters,
)
from gateway.model import Role, UnusableError
from gateway.settings import config_dir, load_settings
from gateway.site import load_site


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / ROSTER).write_text("somebody's tags")
    with pytest.raises(UnusableError, match="is no demo's folder"):
        claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ROSTER]
    assert (tmp_path / ROSTER).read_text() == "somebody's tags"


def test_a_folder_that_is_not_there_or_is_empty_is_taken(tmp_path: Path) -> None:
    for folder in (tmp_path / "new" / "deep", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with claim(folder):
            assert [path.name for path in folder.iterdir()] == [MARKER]


def test_a_demos_own_folder_is_emptied_also_after_a_demo_that_failed_early(
    tmp_path: Path,
) -> None:
    folder, elsewhere = tmp_path / "demo", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    with claim(folder):
        (folder / "influx").mkdir()
        (folder / "influx" / "data").write_text("")
        (folder / "broker.log").write_text("")
        (folder / "link").symlink_to(elsewhere)
    with claim(folder):
        assert [path.name for path in folder.iterdir()] == [MARKER]
    assert (elsewhere / "kept").exists()


def test_a_folder_in_which_a_demo_runs_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with claim(folder):
        (folder / "hub.sqlite").write_text("")
        with pytest.raises(UnusableError, match="a demo runs there"):
            claim(folder)
        assert (folder / "hub.sqlite").exists()
    claim(folder).close()


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(UnusableError, match="cannot be emptied and written"):
        claim(tmp_path / "demo")


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
    assert (Role.SINK in settings.roles) == (influx is not None)
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


def test_without_dbus_daemon_a_demo_with_bluez_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnusableError, match="apt install dbus"):
        demo(bluez=True, folder=tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_port_0_is_any_free_one(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(settings_text(Ground(tmp_path, config_dir() / "site.geojson"), 11_883, None))
    assert load_settings(file).hub.api.port > 1_023


def test_a_port_that_somebody_has_is_left_to_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert free_port(taken) not in {0, taken}
    assert free_port(taken) == taken
