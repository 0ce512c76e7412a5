"""What `machimori backup` and `machimori restore` do with the settings, and say."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.store.database import Database
from tests.unit.store.test_backup import filled, seconds, take


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(f'site_id = "iwaki"\nstate_dir = "{tmp_path / "state"}"\n')
    asyncio.run(filled(tmp_path / "state" / "hub.sqlite"))
    return file


def test_without_a_name_the_copy_goes_to_the_folder_of_the_settings(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["backup", "--config", str(settings)]) == 0
    (made,) = (settings.parent / "state" / "backups").iterdir()
    told = capsys.readouterr().out
    assert str(made) in told
    assert "heard until 1970-01-01 00:01:40 UTC; copied and checked in" in told
    assert "hub.key_file" in told
    assert seconds(made) == list(range(1, 101))


def test_of_the_backups_in_the_folder_the_newest_are_kept(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = settings.parent / "state" / "backups"
    folder.mkdir()
    old = [folder / f"hub-200{n}0101T000000Z.sqlite" for n in range(3)]
    for path in old:
        path.touch()
    assert run_command_line(["backup", "--config", str(settings)]) == 0
    assert f"{old[0]}: deleted; 2 are kept" in capsys.readouterr().out
    assert [path.exists() for path in old] == [False, False, True]


def test_a_copy_under_a_name_of_its_own_deletes_nothing(settings: Path) -> None:
    folder = settings.parent / "state" / "backups"
    folder.mkdir()
    old = [folder / f"hub-200{n}0101T000000Z.sqlite" for n in range(3)]
    for path in old:
        path.touch()
    target = settings.parent / "mine.sqlite"
    assert run_command_line(["backup", str(target), "--config", str(settings)]) == 0
    assert all(path.exists() for path in old)
    assert seconds(target) == list(range(1, 101))


def test_a_restore_says_what_was_put_back_and_what_to_do_next(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, copy = settings.parent / "state" / "hub.sqlite", settings.parent / "copy.sqlite"
    assert run_command_line(["backup", str(copy), "--config", str(settings)]) == 0

    async def more() -> None:
        async with Database(database) as opened:
            await take(opened, 101)

    asyncio.run(more())
    assert run_command_line(["restore", str(copy), "--config", str(settings)]) == 0
    told = capsys.readouterr().out
    assert seconds(database) == list(range(1, 101))
    assert f"now {database}" in told
    assert f"{database}.before-" in told
    assert "A gap says so for gw-07" in told
    assert "systemctl start machimori-hub" in told


def test_a_restore_beside_a_running_hub_is_refused(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, copy = settings.parent / "state" / "hub.sqlite", settings.parent / "copy.sqlite"
    assert run_command_line(["backup", str(copy), "--config", str(settings)]) == 0

    async def beside() -> int:
        async with Database(database):
            return await asyncio.to_thread(
                run_command_line, ["restore", str(copy), "--config", str(settings)]
            )

    assert asyncio.run(beside()) != 0
    assert "a hub works on it" in capsys.readouterr().err


def test_a_backup_for_an_older_program_has_its_schema(settings: Path) -> None:
    copy = settings.parent / "copy.sqlite"
    arguments = ["backup", str(copy), "--schema", "0004", "--config", str(settings)]
    assert run_command_line(arguments) == 0
    with closing(sqlite3.connect(copy)) as file:
        assert file.execute("SELECT version_num FROM alembic_version").fetchone() == ("0004",)
