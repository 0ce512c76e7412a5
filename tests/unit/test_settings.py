"""Settings: what a file and the environment give, and what is said of a key that is wrong."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.model import Role, UnusableError
from gateway.settings import (
    Settings,
    SettingsError,
    as_environment,
    config_dir,
    default_config_file,
    load_settings,
)


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's shell says must not decide a test."""
    for name in [name for name in os.environ if name.upper().startswith("MACHIMORI__")]:
        monkeypatch.delenv(name)


def _write(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _said_of(folder: Path, text: str) -> list[str]:
    file = _write(folder, text)
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    return str(raised.value).replace(f"{file}", "FILE").splitlines()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(_write(tmp_path, ""))
    assert settings.roles == (Role.EDGE, Role.HUB, Role.SINK)
    assert settings.site == tmp_path / "site.geojson"
    assert settings.state_dir == Path("/var/lib/machimori")


def test_the_file_that_ships_holds_the_defaults() -> None:
    shipped = config_dir() / "gateway.toml"
    folder = config_dir()
    assert load_settings(shipped) == Settings(site=folder / "site.geojson", lamps=folder / "lamps")
    assert default_config_file() in {shipped, Path("/etc/machimori/gateway.toml")}


def test_every_key_stands_in_the_file_that_ships() -> None:
    text = (config_dir() / "gateway.toml").read_text()
    document = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))
    assert _keys_of(document) == _keys_of(Settings().model_dump(exclude={"clock"}))


def _keys_of(section: Mapping[str, Any]) -> set[str]:
    """Every key as section.key, but for the adapters, whose names are the user's."""
    inner = {
        f"{key}.{name}"
        for key, value in section.items()
        if isinstance(value, dict) and key != "adapters"
        for name in _keys_of(value)
    }
    return inner | {key for key, value in section.items() if not isinstance(value, dict)}


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACHIMORI__HUB__API__PORT", "9090")
    monkeypatch.setenv("MACHIMORI__ROLES", '["hub"]')
    settings = load_settings(_write(tmp_path, '[hub]\nid = "h-2"\n[hub.api]\nport = 8000\n'))
    assert (settings.hub.id, settings.hub.api.port, settings.roles) == ("h-2", 9090, (Role.HUB,))


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load_settings(_write(tmp_path, ""))
    with pytest.raises(ValidationError, match="frozen"):
        settings.hub.api.port = 1


def test_paths_lie_in_the_state_folder_unless_they_are_absolute(tmp_path: Path) -> None:
    settings = load_settings(_write(tmp_path, 'state_dir = "/srv/m"\nsite = "/srv/town.geojson"'))
    assert settings.state_path(settings.hub.database) == Path("/srv/m/hub.sqlite")
    assert settings.state_path(Path("/run/key")) == Path("/run/key")
    assert settings.site == Path("/srv/town.geojson")


def test_a_misspelt_key_is_named_with_the_one_that_is_meant(tmp_path: Path) -> None:
    assert _said_of(tmp_path, "[hub.api]\nprot = 8080") == [
        "FILE: hub.api.prot: no such key. Did you mean port? Remove it, or mend its spelling."
    ]


def test_all_wrong_keys_are_named_at_once(tmp_path: Path) -> None:
    said = _said_of(
        tmp_path,
        'roles = ["egde"]\nsite_id = "a/b"\nsites = 1\n'
        "[hub.api]\nport = 99999\n[edge.adapters]\nhci0 = 3\n[broker]\nport = 'x'",
    )
    named = {line.split(": ")[1] for line in said}
    assert named == {
        "roles.0", "site_id", "sites", "hub.api.port", "edge.adapters.hci0", "broker.port",
    }  # fmt: skip
    assert all(line.startswith("FILE: ") for line in said)
    assert all(line.endswith(("Mend that value.", "mend its spelling.")) for line in said)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("roles = []", "FILE: roles: names no role"),
        ('[broker]\ncert_file = "/a"', "FILE: broker: cert_file and key_file belong together"),
        ('[broker]\ncert_file = "/a"\nkey_file = "/b"', "FILE: broker: cert_file needs ca_file"),
        ('[broker]\nca_file = "ca.crt"', "FILE: broker.ca_file: write the whole path"),
        ('[broker]\nusername = "gw"', "FILE: broker: username needs password_file"),
        ("site = 5", "FILE: site: "),
        ("broker = 5", "FILE: broker: "),
        ("[broker", "FILE: is not TOML"),
        ("a = 1\na = 2", "FILE: is not TOML"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, text: str, what: str) -> None:
    assert any(line.startswith(what) for line in _said_of(tmp_path, text))


def test_a_secret_that_stands_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = _said_of(tmp_path, '[broker]\npassword = "correct horse"')
    assert said[0].startswith("FILE: broker.password: no such key. Did you mean password_file?")
    assert "correct horse" not in said[0]


def test_a_file_that_is_not_utf8_or_not_there_is_an_error_for_the_operator(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")
    file = tmp_path / "latin.toml"
    file.write_bytes(b'site_id = "caf\xe9"')
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(file)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("MACHIMORI__HUB__LATENESS_S", "soon", "environment: MACHIMORI__HUB__LATENESS_S: "),
        ("MACHIMORI__SINK__HUBB", "h", "environment: MACHIMORI__SINK__HUBB: no such key."),
        ("MACHIMORI__HUBB__ID", "h", "environment: MACHIMORI__HUBB__ID: no such key. Did you"),
        ("MACHIMORI__ROLES", "edge", "environment: MACHIMORI__…: "),
    ],
)
def test_a_wrong_variable_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _said_of(tmp_path, "")[0].startswith(what)


def test_another_process_is_given_the_same_settings_by_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = load_settings(
        _write(
            tmp_path,
            'site = "town.geojson"\nroles = ["hub"]\n[edge.adapters]\nhci0 = "r-1"\n'
            f'[hub]\ndatabase = "{tmp_path}/x.sqlite"\n[hub.calibration]\nhour = 4\n'
            "[clock]\nstart = 1e9\nrate = 20\n",
        )
    )
    for name, value in as_environment(known).items():
        monkeypatch.setenv(name, value)
    assert load_settings(Path(os.devnull)) == known


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    (line,) = _said_of(tmp_path, '[hub.calibration]\ntime_zone = "Asia/Iwaki"\n')
    assert line.startswith("FILE: hub.calibration.time_zone: no such time zone is known here")
