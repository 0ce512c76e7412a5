"""The demo's folder: nobody else's files are deleted; and what is missing is said first."""

from pathlib import Path

import pytest

from gateway.cli.demo import MARKER, ROSTER, claim, demo
from gateway.model import UnusableError


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


def test_without_dbus_daemon_a_demo_with_bluez_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnusableError, match="apt install dbus"):
        demo(bluez=True, folder=tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
