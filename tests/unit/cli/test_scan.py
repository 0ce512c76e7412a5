"""`machimori scan`: what it says where it cannot listen."""

import json
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.cli.scan import Watch
from gateway.cli.scan_table import ScanTable
from gateway.link.topics import Message
from gateway.settings import load_settings


def settings(folder: Path, text: str = "") -> Path:
    file = folder / "gateway.toml"
    file.write_text(f'state_dir = "{folder}"\nsite = "{folder}/site.geojson"\n{text}', "utf-8")
    return file


def test_with_nothing_to_listen_with_it_says_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["scan", "--config", str(settings(tmp_path))]) == 2
    assert 'hci0 = "pole-1"' in capsys.readouterr().err


def test_without_bluetooth_the_table_says_what_is_missing_and_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent.sock'}")
    file = settings(tmp_path, '[edge.adapters]\nhci0 = "pole-1"\n')
    assert run_command_line(["scan", "--seconds", "1.3", "--config", str(file)]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "pole-1: waiting" in told
    assert "D-Bus is not there" in told
    assert "No remote receivers" in told


def test_the_summary_alone_stands_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent.sock'}")
    file = settings(tmp_path, '[edge.adapters]\nhci0 = "pole-1"\n')
    assert run_command_line(["scan", "--seconds", "1.3", "--json", "--config", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["heard"] == []
    assert told["adapters"]["hci0"]["state"] == "waiting"
    assert not (tmp_path / "hub.sqlite").exists(), "no database is made where there is none"


def test_a_remote_receiver_of_the_site_is_heard_over_the_broker_with_what_it_read(
    tmp_path: Path,
) -> None:
    receiver = {
        "type": "Feature",
        "properties": {
            "kind": "receiver",
            "id": "p001",
            "height_m": 4.7,
            "gateway": "gw-01",
            "format": "openmqttgateway",
            "topic": "home/OMG_p001",
        },
        "geometry": {"type": "Point", "coordinates": [140.93, 36.99]},
    }
    site = {
        "type": "FeatureCollection",
        "properties": {"name": "A town", "crs": "EPSG:6677"},
        "features": [receiver],
    }
    (tmp_path / "site.geojson").write_text(json.dumps(site), encoding="utf-8")
    table = ScanTable(monotonic=lambda: 0.0, strangers=False)
    watch = Watch(load_settings(settings(tmp_path)), table)
    payload = {
        "id": "C0:00:00:00:00:01",
        "rssi": -66,
        "servicedata": "00ee00112233445566778899aabbccddeeff0000",
        "servicedatauuid": "0xfeaa",
        "batt": 83,
    }
    topic = "home/OMG_p001/BTtoMQTT/C00000000001"
    watch.message(Message(topic, json.dumps(payload).encode(), retained=False))
    (row,) = watch.summary()["heard"]
    assert (row["receiver"], row["rssi_dbm"]) == ("p001", -66)
    assert row["identifier"] == "uid:00112233445566778899:aabbccddeeff"
    assert row["values"] == {"battery_percent": 83.0}
