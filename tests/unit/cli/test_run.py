"""`machimori run`: how it ends is told in one line where a person can mend it, else in full."""

import asyncio
import signal
import sys
from pathlib import Path

from gateway.cli.run import what_to_tell
from gateway.settings import SettingsError
from gateway.store.errors import StoreError
from tests.needs import ROOT
from tests.ports import free_ports
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

DISK = StoreError("the disk is full")


def test_the_error_that_can_be_mended_is_found_in_nested_groups() -> None:
    inner = ExceptionGroup("role", [ExceptionGroup("tasks", [DISK])])
    assert what_to_tell(BaseExceptionGroup("process", [inner])) is DISK


def test_of_several_that_can_be_mended_the_first_is_told() -> None:
    group = ExceptionGroup("process", [DISK, SettingsError("and more")])
    assert what_to_tell(group) is DISK


def test_a_fault_of_the_program_is_told_in_full_also_beside_one_that_can_be_mended() -> None:
    group = ExceptionGroup("process", [ExceptionGroup("hub", [DISK, ZeroDivisionError()])])
    assert what_to_tell(group) is group


class Run:
    """`machimori run` as a process on a site and a state of its own."""

    def __init__(self, folder: Path) -> None:
        broker, api = free_ports(2)
        write_site(folder, TOWN, name="street")
        self.state = folder / "state"
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'state_dir = "{self.state}"\n[broker]\nport = {broker}\n[hub.api]\nport = {api}\n'
        )

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "gateway", "run", "--config", str(self.config))
        return await asyncio.create_subprocess_exec(
            *command, *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )


async def test_a_database_that_cannot_be_used_is_one_line_and_its_exit_code(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path)
    run.state.mkdir()
    (run.state / "hub.sqlite").write_text("no database " * 1_000)
    process = await run.start("--role", "hub")
    _, told = await process.communicate()
    assert process.returncode == 2  # only a person mends it: systemd does not try again
    last = told.decode().splitlines()[-1]
    assert last.startswith(f"{run.state / 'hub.sqlite'}: is not a SQLite database.")
    assert b"Traceback" not in told


async def test_a_site_that_cannot_be_used_ends_it_for_good(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "site.geojson").write_text("{}")
    process = await run.start()
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"site.geojson" in told
    assert b"Traceback" not in told


async def test_a_role_given_twice_is_one_and_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    process = await Run(tmp_path).start("--role", "edge", "--role", "edge")
    assert process.stderr is not None
    told = b""
    async with asyncio.timeout(30):
        async for line in process.stderr:
            told += line
            if b"broker not reached" in line:
                break
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in told + rest
    assert b"broker not reached" not in rest
    assert b"stopped" in rest
