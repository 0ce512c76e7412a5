"""Copies of a database in use, and what a restore puts back and says of the time between."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model import Alert, AlertKind, AlertState, Gap, Lane
from gateway.store import alerts, sightings
from gateway.store import backup as backups
from gateway.store.backup import Backup, back_up, default_name, look_at, prune, restore
from gateway.store.database import Connection, Database, StoreError
from gateway.store.sightings import Source
from tests.unit.store.test_sightings import window

SITE, NOW = "iwaki", 10_000.0


async def take(database: Database, *seqs: int) -> None:
    """Windows of the seconds `seqs`, as the intake commits them."""

    def taken(connection: Connection) -> None:
        sightings.add_windows(connection, [window(seq, seq=seq) for seq in seqs])
        sightings.set_marks(connection, [Source("gw-07", "e1", Lane.LIVE, seqs[-1])])
        sightings.set_stepped_to(connection, SITE, seqs[-1])

    await database.write(taken)


def seconds(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as file:
        return [second for (second,) in file.execute("SELECT second FROM windows ORDER BY second")]


def names(folder: Path, begin: str = "") -> list[str]:
    return sorted(one.name for one in folder.glob(f"{begin}*"))


async def filled(path: Path, upto: int = 100) -> Path:
    async with Database(path) as database:
        await take(database, *range(1, upto + 1))
    return path


async def test_a_copy_of_a_database_in_use_is_of_one_moment(
    database: Database, tmp_path: Path
) -> None:
    await take(database, *range(1, 51))
    copying = asyncio.to_thread(back_up, database.path, tmp_path / "copy.sqlite", pause_s=0.002)
    task = asyncio.ensure_future(copying)
    seq = 50
    while not task.done():
        seq += 1
        await take(database, seq)
    made = await task
    held = seconds(made.path)
    assert held == list(range(1, len(held) + 1))
    assert 50 <= len(held) <= seq
    assert made == Backup(made.path, made.path.stat().st_size, version(made.path), held[-1])


async def test_a_large_copy_ends_while_others_write_all_the_time(
    database: Database, tmp_path: Path
) -> None:
    """The backup API starts anew at each write of others where nothing holds its view."""
    await database.write(_ballast, megabytes=12)
    task = asyncio.ensure_future(
        asyncio.to_thread(back_up, database.path, tmp_path / "copy.sqlite", pause_s=0.05)
    )
    seq = 0
    while not task.done():
        seq += 1
        await take(database, seq)
    assert (await task).size_bytes > 12_000_000
    assert seq > 5


def _ballast(connection: Connection, megabytes: int) -> None:
    connection.exec_driver_sql("CREATE TABLE ballast (body BLOB)")
    for _ in range(megabytes):
        connection.exec_driver_sql("INSERT INTO ballast VALUES (zeroblob(1000000))")


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as file:
        return str(file.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_a_copy_is_one_file_that_its_owner_alone_may_read(tmp_path: Path) -> None:
    made = back_up(await filled(tmp_path / "hub.sqlite"), tmp_path / "new" / "copy.sqlite")
    look_at(made.path)
    assert [path.name for path in made.path.parent.iterdir()] == ["copy.sqlite"]
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    database = await filled(tmp_path / "hub.sqlite")
    (tmp_path / "copy.sqlite").write_text("precious")
    with pytest.raises(StoreError, match=r"copy\.sqlite: is there already"):
        back_up(database, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "precious"


def test_where_there_is_no_database_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"hub\.sqlite: is not there"):
        back_up(tmp_path / "hub.sqlite", tmp_path / "copy.sqlite")
    assert list(tmp_path.iterdir()) == []


async def test_damage_in_the_database_is_found_by_the_copy(tmp_path: Path) -> None:
    database = await filled(tmp_path / "hub.sqlite", 3_000)
    damage(database)
    with pytest.raises(StoreError, match="damaged"):
        back_up(database, tmp_path / "copy.sqlite")
    assert names(tmp_path, "copy") == []
    assert database.exists()


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8_192] = b"\xa5" * 8_192
    path.write_bytes(content)


async def test_a_disk_without_room_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await filled(tmp_path / "hub.sqlite")
    monkeypatch.setattr(backups, "SPARE_BYTES", 10**15)
    with pytest.raises(StoreError, match=r"MB free; 1,000,000,\d* MB are wanted"):
        back_up(database, tmp_path / "copy.sqlite")
    assert names(tmp_path, "copy") == []


async def test_what_a_killed_backup_left_is_written_over(tmp_path: Path) -> None:
    database = await filled(tmp_path / "hub.sqlite")
    (tmp_path / "copy.sqlite.part").write_text("half")
    assert back_up(database, tmp_path / "copy.sqlite").newest == 100


async def test_what_killed_backups_of_other_nights_left_goes(tmp_path: Path) -> None:
    database = tmp_path / "hub.sqlite"
    async with Database(database):
        pass
    left = tmp_path / "hub-20260101T013000Z.sqlite.part"
    anothers = tmp_path / "city-20260101T013000Z.sqlite.part"
    for one in (left, anothers):
        one.write_bytes(b"half")
    back_up(database, tmp_path / "copy.sqlite")
    assert (left.exists(), anothers.exists()) == (False, True)


async def test_a_backup_for_an_older_program_is_of_its_schema_and_the_database_is_not(
    tmp_path: Path,
) -> None:
    database = await filled(tmp_path / "hub.sqlite")
    before = version(database)
    made = back_up(database, tmp_path / "copy.sqlite", schema="0001")
    assert (made.schema, made.newest) == ("0001", 100)
    assert version(database) == before
    with pytest.raises(StoreError, match=r"no way down to 4711\. Give one of .*0001"):
        back_up(database, tmp_path / "other.sqlite", schema="4711")


def test_only_the_newest_backups_of_this_database_are_kept(tmp_path: Path) -> None:
    dated = [default_name("hub", 86_400.0 * day) for day in range(4)]
    for name in (*dated, "hub-of-the-mayor.sqlite", "hub-19700101T000000Z.sqlite.part"):
        (tmp_path / name).touch()
    deleted = prune(tmp_path / dated[3], "hub", keep=2)
    assert [path.name for path in deleted] == dated[:2]
    assert {path.name for path in tmp_path.iterdir()} == {
        *dated[2:],
        "hub-of-the-mayor.sqlite",
        "hub-19700101T000000Z.sqlite.part",
    }


def test_the_newest_stays_also_where_the_clock_was_not_set(tmp_path: Path) -> None:
    dated = [tmp_path / default_name("hub", at) for at in (0.0, 86_400.0, 2 * 86_400.0)]
    for path in dated:
        path.touch()
    assert prune(dated[0], "hub", keep=1) == dated[1:]
    assert prune(dated[0], "hub", keep=1) == []
    assert dated[0].exists()


async def test_a_restore_puts_the_copy_back_and_keeps_the_file_of_before(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", 100)
    made = back_up(path, tmp_path / "copy.sqlite")
    async with Database(path) as database:
        await take(database, *range(101, 151))
    done = restore(made.path, path, site=SITE, now=NOW)
    assert seconds(path) == list(range(1, 101))
    assert done.aside is not None
    assert seconds(done.aside) == list(range(1, 151))
    assert done.backup == made
    assert made.path.exists()


async def test_after_a_restore_a_gap_stands_for_what_each_gateway_sent_since_the_backup(
    tmp_path: Path,
) -> None:
    path = await filled(tmp_path / "hub.sqlite", 100)
    made = back_up(path, tmp_path / "copy.sqlite")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 600.0))
    restore(made.path, path, site=SITE, now=NOW, rate=2.0)
    async with Database(path) as database:
        (gap,) = await database.read(sightings.gaps_between, 0.0, NOW)
    assert gap.gateway == "gw-07"
    assert (gap.gap.since, gap.gap.reason) == (101.0, "database_restored")
    assert NOW - 1_300.0 < gap.gap.until < NOW - 1_199.0


async def test_the_gap_begins_where_a_backlog_was_still_coming_in(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as database:
        await take(database, *range(1, 31), *range(80, 101))
    made = back_up(path, tmp_path / "copy.sqlite")
    path.unlink()
    restore(made.path, path, site=SITE, now=NOW)
    async with Database(path) as database:
        (gap,) = await database.read(sightings.gaps_between, 0.0, NOW)
    assert gap.gap == Gap(31.0, NOW, "database_restored")


async def test_where_the_database_is_gone_the_gap_reaches_until_now(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", 100)
    made = back_up(path, tmp_path / "copy.sqlite")
    path.unlink()
    done = restore(made.path, path, site=SITE, now=NOW)
    assert (done.aside, done.gateways) == (None, ("gw-07",))
    async with Database(path) as database:
        (gap,) = await database.read(sightings.gaps_between, 0.0, NOW)
    assert gap.gap == Gap(101.0, NOW, "database_restored")


async def test_nobody_stays_logged_in_over_a_restore(tmp_path: Path) -> None:
    """A session of the copy may have been ended since."""
    database = await filled(tmp_path / "hub.sqlite")
    with closing(sqlite3.connect(database)) as file, file:
        file.execute("PRAGMA foreign_keys = OFF")
        file.execute("INSERT INTO sessions VALUES (x'00', 'u-1', 'cookie', 1.0, 9e9)")
    copy = back_up(database, tmp_path / "copy.sqlite").path
    restore(copy, database, site=SITE, now=NOW)
    with closing(sqlite3.connect(database)) as file:
        assert file.execute("SELECT count(*) FROM sessions").fetchall() == [(0,)]


async def test_a_restore_beside_a_running_hub_is_refused(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite")
    made = back_up(path, tmp_path / "copy.sqlite")
    async with Database(path) as hub:
        with pytest.raises(StoreError, match=r"a hub works on it\. Stop that first"):
            restore(made.path, path, site=SITE, now=NOW)
        await take(hub, 101)


async def test_a_backup_of_an_older_schema_is_brought_up(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite")
    newest = version(path)
    made = back_up(path, tmp_path / "copy.sqlite", schema="0001")
    restore(made.path, path, site=SITE, now=NOW)
    assert version(path) == newest
    assert version(made.path) == "0001"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "newer Machimori"),
        ("UPDATE cursors SET site = 'elsewhere'", "is of the site elsewhere"),
        ("DROP TABLE windows", "no database of a hub"),
    ],
)
async def test_a_backup_that_does_not_fit_changes_nothing(
    tmp_path: Path, harm: str, told: str
) -> None:
    path = await filled(tmp_path / "hub.sqlite")
    made = back_up(path, tmp_path / "copy.sqlite")
    with closing(sqlite3.connect(made.path)) as file, file:
        file.execute(harm)
    before = names(tmp_path)
    with pytest.raises(StoreError, match=told):
        restore(made.path, path, site=SITE, now=NOW)
    assert seconds(path) == list(range(1, 101))
    assert names(tmp_path) == before


async def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", 3_000)
    made = back_up(path, tmp_path / "copy.sqlite")
    damage(made.path)
    with pytest.raises(StoreError, match=r"copy\.sqlite: .*damaged"):
        restore(made.path, path, site=SITE, now=NOW)
    assert len(seconds(path)) == 3_000


async def test_a_damaged_database_can_be_replaced_and_is_kept(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", 3_000)
    made = back_up(path, tmp_path / "copy.sqlite")
    shutil.copyfile(path, tmp_path / "sound")
    damage(path)
    done = restore(made.path, path, site=SITE, now=NOW)
    assert len(seconds(path)) == 3_000
    assert done.aside is not None
    assert done.aside.stat().st_size == (tmp_path / "sound").stat().st_size


async def test_a_killed_hubs_wal_is_in_the_file_that_is_kept(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", 100)
    made = back_up(path, tmp_path / "copy.sqlite")
    killed = tmp_path / "killed" / "hub.sqlite"
    killed.parent.mkdir()
    async with Database(path) as database:
        await take(database, *range(101, 151))
        for side in ("", "-wal"):
            shutil.copy(f"{path}{side}", f"{killed}{side}")
    done = restore(made.path, killed, site=SITE, now=NOW)
    assert done.aside is not None
    assert names(killed.parent) == ["hub.sqlite", done.aside.name, "hub.sqlite.lock"]
    assert seconds(done.aside) == list(range(1, 151))
    assert seconds(killed) == list(range(1, 101))


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files to another user needs root")
async def test_what_root_makes_belongs_to_the_service(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite")
    os.chown(path, 65534, 65534)
    made = back_up(path, tmp_path / "backups" / "copy.sqlite")
    restore(made.path, path, site=SITE, now=NOW)
    for one in (made.path, made.path.parent, path):
        assert one.stat().st_uid == 65534, one


async def test_alerts_that_an_older_program_does_not_know_are_not_in_its_copy(
    tmp_path: Path,
) -> None:
    path = await filled(tmp_path / "hub.sqlite")
    kinds = [AlertKind.SOS, AlertKind.SINK_BEHIND, AlertKind.STORE_DAMAGED]
    async with Database(path) as database:
        for kind in kinds:
            told = Alert(f"a-{kind}", kind, AlertState.RAISED, at=1.0, raised_at=2.0)
            await database.write(alerts.add, told)
    made = back_up(path, tmp_path / "copy.sqlite", schema="0005")
    with closing(sqlite3.connect(made.path)) as file:
        assert file.execute("SELECT kind FROM alerts").fetchall() == [("sos",)]
