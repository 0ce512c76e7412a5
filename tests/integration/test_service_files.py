"""The service files, by systemd's own judgement; nothing is started."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.model import Role
from tests.needs import ROOT, need

UNITS = sorted((ROOT / "systemd").glob("*.service"))
ROLES = [unit for unit in UNITS if unit.stem.removeprefix("machimori-") in set(Role)]
BACKUP = ROOT / "systemd" / "machimori-backup.service"
EXPOSURE_AT_MOST = 3.0


def _judge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [need("systemd-analyze"), "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _copy(unit: Path, folder: Path) -> Path:
    """The unit with a program that exists: `verify` looks for it."""
    text, count = re.subn(
        r"^ExecStart=/opt/machimori/bin/machimori ",
        "ExecStart=/bin/true ",
        unit.read_text(),
        flags=re.MULTILINE,
    )
    assert count == 1
    copied = folder / unit.name
    copied.write_text(text)
    return copied


def test_each_role_has_a_unit_that_starts_it() -> None:
    assert {unit.stem for unit in ROLES} == {f"machimori-{role}" for role in Role}
    for unit in ROLES:
        role = unit.stem.removeprefix("machimori-")
        assert f"run --role {role} --config /etc/machimori/gateway.toml\n" in unit.read_text()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_has_nothing_to_say_about_the_unit(unit: Path, tmp_path: Path) -> None:
    judged = _judge("verify", "--man=no", _copy(unit, tmp_path))
    assert judged.stdout + judged.stderr == ""
    assert judged.returncode == 0


def test_systemd_does_say_something_about_a_misspelt_key(tmp_path: Path) -> None:
    copied = _copy(UNITS[0], tmp_path)
    copied.write_text(copied.read_text().replace("NoNewPrivileges=", "NoNewPriviliges="))
    judged = _judge("verify", "--man=no", copied)
    assert "NoNewPriviliges" in judged.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_unit_exposes_little(unit: Path, tmp_path: Path) -> None:
    threshold = f"--threshold={EXPOSURE_AT_MOST * 10:.0f}"
    judged = _judge("security", "--offline=true", threshold, _copy(unit, tmp_path))
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", judged.stdout)
    assert exposure is not None, judged.stderr
    assert float(exposure[1]) <= EXPOSURE_AT_MOST
    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize("unit", ROLES, ids=lambda unit: unit.stem)
def test_the_unit_hands_over_every_secret_that_its_environment_names(unit: Path) -> None:
    text = unit.read_text()
    named = set(re.findall(r"^Environment=\w+_FILE=%d/(\S+)$", text, flags=re.MULTILINE))
    handed_over = set(re.findall(r"^LoadCredential=([^:\s]+):", text, flags=re.MULTILINE))
    assert named == handed_over
    assert f"{unit.stem.removeprefix('machimori-')}.key" in named


def test_the_nightly_backup_has_a_timer_that_systemd_takes_and_needs_no_secret(
    tmp_path: Path,
) -> None:
    assert set(UNITS) == {*ROLES, BACKUP}
    _copy(BACKUP, tmp_path)
    timer = tmp_path / "machimori-backup.timer"
    timer.write_text((ROOT / "systemd" / timer.name).read_text())
    judged = _judge("verify", "--man=no", timer)
    assert (judged.stdout + judged.stderr, judged.returncode) == ("", 0)
    calendar = re.search(r"^OnCalendar=(.*)$", timer.read_text(), flags=re.MULTILINE)
    assert calendar is not None
    assert _judge("calendar", calendar[1]).returncode == 0
    text = BACKUP.read_text()
    assert "machimori backup --config /etc/machimori/gateway.toml\n" in text
    assert "LoadCredential" not in text


def test_newer_systemd_takes_the_back_off(tmp_path: Path) -> None:
    version = int(_judge("--version").stdout.split()[1])
    if version < 254:
        pytest.skip(f"RestartSteps= came with systemd 254, and this is {version}")
    copied = _copy(UNITS[0], tmp_path)
    drop_ins = tmp_path / f"{UNITS[0].name}.d"
    drop_ins.mkdir()
    (drop_ins / "backoff.conf").write_text((ROOT / "systemd" / "backoff.conf").read_text())
    assert _judge("verify", "--man=no", copied).stderr == ""


def test_the_bluetooth_drop_in_only_adds_monitors(tmp_path: Path) -> None:
    """A drop-in is judged with its unit: here as much of that as matters."""
    unit = tmp_path / "bluetooth.service"
    unit.write_text("[Service]\nType=dbus\nBusName=org.bluez\nExecStart=/bin/false\n")
    drop_in = tmp_path / "bluetooth.service.d" / "machimori.conf"
    drop_in.parent.mkdir()
    text = (ROOT / "systemd" / "bluetooth-monitors.conf").read_text()
    assert "ExecStart=\nExecStart=/usr/libexec/bluetooth/bluetoothd -E\n" in text
    drop_in.write_text(text.replace("/usr/libexec/bluetooth/bluetoothd", "/bin/true"))
    judged = _judge("verify", "--man=no", unit)
    assert judged.stdout + judged.stderr == ""
    assert judged.returncode == 0


@pytest.mark.parametrize("role", [Role.EDGE, Role.HUB])
def test_who_goes_by_the_clock_may_ask_which_boot_it_is_and_who_vouches_for_the_time(
    role: Role,
) -> None:
    """What is taken away with others must be given back behind it: the last word holds."""
    lines = (ROOT / "systemd" / f"machimori-{role}.service").read_text().splitlines()
    assert not {"ProcSubset=pid", "ProtectClock=yes"} & set(lines)
    filters = [line for line in lines if line.startswith("SystemCallFilter=")]
    taken = _judge("syscall-filter", "@privileged").stdout
    assert "@clock" in taken
    assert "adjtimex" in _judge("syscall-filter", "@clock").stdout
    assert filters[-1] == "SystemCallFilter=adjtimex clock_adjtime clock_adjtime64"
    assert any("~@privileged" in line for line in filters[:-1])
