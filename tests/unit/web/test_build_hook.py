"""The build hook decides rightly when to build the page, with which npm, and what to say if not."""

import json
import os
from pathlib import Path

import pytest

from gateway.web.build_hook import (
    PageError,
    build_page,
    is_fresh,
    is_new_enough,
    machine_npm,
)
from tests.needs import ROOT

WEB = ROOT / "gateway" / "web"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A page's folder: one source and a build that is a minute newer."""
    source, built = tmp_path / "src" / "main.ts", tmp_path / "dist" / "index.html"
    for age_s, file in ((60, source), (0, built)):
        file.parent.mkdir()
        file.touch()
        os.utime(file, (1_000_000 - age_s,) * 2)
    return tmp_path


def command(folder: Path, name: str, script: str) -> Path:
    """A small real program on a PATH of its own."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return folder


def test_a_build_newer_than_every_source_is_fresh(web: Path) -> None:
    assert is_fresh(web)


def test_a_page_never_built_is_not_fresh(web: Path) -> None:
    (web / "dist" / "index.html").unlink()
    assert not is_fresh(web)


@pytest.mark.parametrize("changed", ["src/main.ts", "package-lock.json", "index.html"])
def test_a_changed_source_makes_the_build_stale(web: Path, changed: str) -> None:
    (web / changed).touch()
    assert not is_fresh(web)


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v18.20.4\n", False),  # Debian 12
        ("v20.18.9\n", False),
        ("v20.19.0\n", True),
        ("v21.7.0\n", False),
        ("v22.11.0\n", False),
        ("v22.12.0\n", True),
        ("v24.19.0\n", True),
        ("", False),
        ("not a version", False),
    ],
)
def test_only_a_node_that_vite_runs_on_is_taken(version: str, *, enough: bool) -> None:
    assert is_new_enough(version) is enough


def test_the_machines_npm_is_taken_with_a_new_node(tmp_path: Path) -> None:
    path = command(tmp_path / "bin", "node", "echo v22.12.0")
    command(path, "npm", "true")
    assert machine_npm({"PATH": str(path)}) == [str(path / "npm")]


def test_the_machines_npm_is_left_alone_with_an_old_node(tmp_path: Path) -> None:
    path = command(tmp_path / "bin", "node", "echo v18.20.4")
    command(path, "npm", "true")
    assert machine_npm({"PATH": str(path)}) is None


def test_a_machine_without_npm_has_none(tmp_path: Path) -> None:
    assert machine_npm({"PATH": str(command(tmp_path / "bin", "node", "echo v22.12.0"))}) is None


def test_a_stale_page_is_installed_then_built(web: Path, tmp_path: Path) -> None:
    (web / "src" / "main.ts").touch()
    path = command(tmp_path / "bin", "node", "echo v22.12.0")
    command(path, "npm", 'echo "$PWD: $*" >> steps')
    build_page(web, {"PATH": str(path)})
    steps = (web / "steps").read_text(encoding="utf-8").splitlines()
    assert steps == [f"{web}: ci --ignore-scripts", f"{web}: run build"]


def test_a_fresh_page_is_not_built_again(web: Path, tmp_path: Path) -> None:
    path = command(tmp_path / "bin", "node", "echo v22.12.0")
    command(path, "npm", "touch steps")
    build_page(web, {"PATH": str(path)})
    assert not (web / "steps").exists()


def test_a_failed_build_shows_the_output_and_says_what_to_do(web: Path, tmp_path: Path) -> None:
    (web / "src" / "main.ts").touch()
    path = command(tmp_path / "bin", "node", "echo v22.12.0")
    command(path, "npm", "echo the registry is away; exit 1")
    with pytest.raises(PageError, match=r"(?s)the registry is away.*MACHIMORI_SKIP_WEB=1"):
        build_page(web, {"PATH": str(path)})


def test_the_lock_file_pins_every_package_and_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: known for name, known in lock["packages"].items() if name}
    assert "node_modules/svelte" in packages
    assert [name for name, known in packages.items() if "integrity" not in known] == []
    assert [name for name, known in packages.items() if "resolved" in known] == []
