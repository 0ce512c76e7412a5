"""Clock, disk, files and serial lines, each well and ill."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.cli.doctor_machine import (
    bus_verdicts,
    clock_verdicts,
    database_verdict,
    disk_verdict,
    outbox_verdict,
    quarantine_verdict,
)
from gateway.cli.doctor_words import Mark
from gateway.clock import Clock
from gateway.link.envelope import Kind
from gateway.link.outbox import Outbox
from gateway.model import Lane
from gateway.outputs.quarantine import older
from gateway.settings import BusSettings, EdgeSettings
from gateway.store.database import Database

NOW = 1_795_000_000.0


def _overwrite(path: Path, *, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 4_096)


async def _fill_outbox(path: Path, *, since: float) -> None:
    async with Outbox(path, max_bytes=100_000_000) as outbox:
        await outbox.append(Lane.LIVE, Kind.SIGHTINGS, [], since=since, until=since + 1.0)


async def _make_database(path: Path) -> None:
    async with Database(path):
        pass


def test_a_clock_is_well_only_where_it_follows_a_time_server() -> None:
    for synchronised, mark in ((True, Mark.WELL), (None, Mark.WORRYING), (False, Mark.WORRYING)):
        (verdict,) = clock_verdicts(Clock(), synchronised=synchronised)
        assert verdict.mark is mark


def test_a_simulated_clock_is_told() -> None:
    (verdict,) = clock_verdicts(Clock(start=NOW), synchronised=True)
    assert "simulated" in verdict.what


def test_the_disk_of_a_folder_that_is_not_there_yet_is_looked_at(tmp_path: Path) -> None:
    assert "MB free" in disk_verdict(tmp_path / "not" / "yet").what


def test_an_outbox_is_well_while_rows_leave_and_worrying_when_they_wait(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    assert "not there yet" in outbox_verdict(path, now=NOW).what
    asyncio.run(_fill_outbox(path, since=NOW))
    assert outbox_verdict(path, now=NOW + 10.0).mark is Mark.WELL
    later = outbox_verdict(path, now=NOW + 3 * 3_600.0)
    assert (later.mark, later.what) == (
        Mark.WORRYING,
        "1 rows wait for the hub, the oldest for 3 h",
    )


def test_files_that_are_no_databases_are_ill(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"no database at all " * 1_000)
    assert outbox_verdict(path, now=NOW).mark is Mark.ILL
    assert database_verdict(path).mark is Mark.ILL


def test_a_sound_database_is_well_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    assert "not there yet" in database_verdict(path).what
    assert not path.exists()
    asyncio.run(_make_database(path))
    verdict = database_verdict(path)
    assert verdict.mark is Mark.WELL
    assert "sound, schema" in verdict.what


def test_a_damaged_database_is_ill(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    asyncio.run(_make_database(path))
    _overwrite(path, at=8_192)
    assert database_verdict(path).mark is Mark.ILL


def test_a_database_of_an_older_program_worries_and_of_a_newer_one_is_ill(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    asyncio.run(_make_database(path))
    for schema, mark in (("0001", Mark.WORRYING), ("9999", Mark.ILL)):
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        assert database_verdict(path).mark is mark


def test_a_quarantine_is_told_with_its_older_lines_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    assert quarantine_verdict(path).mark is Mark.WELL
    older(path).write_text('{"to')
    path.write_text('\n{"at":1795000000.0}\n' + '{"at":1795000060.0}\n' * 100_000)
    verdict = quarantine_verdict(path)
    assert verdict.mark is Mark.WORRYING
    assert verdict.what.endswith("refused: 100003, 2.0 MB, since 2026-11-18 11:06 UTC")


def test_a_line_is_well_where_its_adapter_is_a_device_that_may_be_used(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    no_port = tmp_path / "file"
    no_port.touch()
    devices = {"good": os.ttyname(theirs), "absent": str(tmp_path / "none"), "wrong": str(no_port)}
    edge = EdgeSettings(buses={name: BusSettings(device=one) for name, one in devices.items()})
    verdicts = {one.part: one for one in bus_verdicts(edge)}
    os.close(ours)
    os.close(theirs)
    assert verdicts["bus good"].mark is Mark.WELL
    assert verdicts["bus absent"].what == f"{tmp_path}/none is not there"
    assert verdicts["bus absent"].remedy.startswith("plug the adapter in")
    assert verdicts["bus wrong"].remedy == "set edge.buses.wrong.device to one"
