"""A copy of the running hub's database, and the way back.

A copy is one file, whole, of one moment, and checked page by page: so making one each night also
finds damage in the running database, without holding anybody.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, delete, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from gateway.model import Gap
from gateway.store import heard, migrate, sightings
from gateway.store.errors import StoreError, explained, is_damage
from gateway.store.locks import held, of_service
from gateway.store.schema import sessions

RESTORED = "database_restored"
STEP_PAGES = 512  # 2 MB between two breaths: the writer's fsync waits for no more than that
PAUSE_S = 0.02
SPARE_BYTES = 256_000_000  # what a backup leaves free on the disk: the hub must go on
BUSY_S = 10.0
_SIDES = ("-wal", "-shm", "-journal")
_IN_USE = "{}: a hub works on it. Stop that first (systemctl stop machimori-hub)."
_ANOTHER_BACKUP = "{}: another backup of it is being made. Wait for its end."


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was checked. `newest` is the last second that it holds windows of."""

    path: Path
    size_bytes: int
    schema: str
    newest: float | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `aside` is where the database of before now lies, if there was one."""

    backup: Backup
    aside: Path | None
    gateways: tuple[str, ...]


def back_up(
    database: Path, target: Path, *, schema: str | None = None, pause_s: float = PAUSE_S
) -> Backup:
    """Copy `database`, in use or not, to `target`, a file that is not there yet.

    One unchanging view is read in steps with pauses between them; no writer waits for it. With
    `schema` the copy (never the database) is taken down to that older schema, for an older program.
    Raises StoreError; then there is no `target`.
    """
    if not database.is_file():
        raise StoreError(f"{database}: is not there, so there is nothing to back up.")
    if target.exists():
        raise StoreError(f"{target}: is there already. Give a name that is not.")
    part = target.with_name(f"{target.name}.part")
    with _told(target), ExitStack() as undo:
        _make_folder(target.parent, like=database)
        undo.enter_context(
            held(Path(f"{database}.backup.lock"), else_say=_ANOTHER_BACKUP.format(database))
        )
        for left in target.parent.glob(f"{database.stem}-*.sqlite.part*"):
            left.unlink()  # of one that was killed: only who holds the lock makes any
        _leave_room(database, target)
        part.unlink(missing_ok=True)
        undo.callback(part.unlink, missing_ok=True)
        with _told(database):
            _copy(database, part, pause_s=pause_s)
        _step_to(part, schema)
        made = look_at(part)
        _settle(part, target, like=target.parent)
    return Backup(target, made.size_bytes, made.schema, made.newest)


def look_at(path: Path) -> Backup:
    """Check a backup, page by page. Raises StoreError where it is no sound database of a hub."""
    with _told(path), closing(_open(path, write=False)) as file:
        damage = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(
                f"{path}: the copy is damaged ({damage}), and so may be what it was made of. Keep "
                "the older backups, and check both disks."
            )
        tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "windows"} <= tables:
            raise StoreError(f"{path}: is no database of a hub. Give a file of `machimori backup`.")
        (schema,) = file.execute("SELECT version_num FROM alembic_version").fetchone()
        (newest,) = file.execute("SELECT max(second) FROM windows").fetchone()
    return Backup(path, path.stat().st_size, schema, newest)


def restore(backup: Path, database: Path, *, site: str, now: float, rate: float = 1.0) -> Restored:
    """Put a copy of `backup` in the place of `database`, whose hub must be stopped.

    The database of before is kept aside, under another name. What gateways sent since the backup
    was receipted, and is gone: a gap says so for each of them, from where the backup lacks it until
    the old database was last written (`now` where there is none); `now` runs at `rate` of the
    wall's seconds. The schema is brought up to this program's.
    Raises StoreError; then nothing is changed.
    """
    with _told(database), ExitStack() as undo:
        _make_folder(database.parent, like=database)
        undo.enter_context(held(of_service(database), else_say=_IN_USE.format(database)))
        found = look_at(backup)
        fresh = database.with_name(f"{database.name}.restoring")
        _remove(fresh)
        undo.callback(_remove, fresh)
        _leave_room(backup, fresh)
        shutil.copyfile(backup, fresh)
        until = now - _age_s(database) * rate if database.exists() else now
        gateways = _renewed(fresh, site=site, until=until, named=backup)
        aside = _set_aside(database, now)
        _settle(fresh, database, like=aside or database.parent)
    return Restored(found, aside, gateways)


def prune(newest: Path, stem: str, *, keep: int) -> list[Path]:
    """Of the backups that `default_name` named, delete all but `newest` and the last before it.

    `newest` stays also where its clock was not set.
    """
    ours = sorted(newest.parent.glob(f"{stem}-????????T??????Z.sqlite"))
    old = [path for path in ours if path != newest]
    old = old[: max(0, len(old) - (keep - 1))]
    for path in old:
        path.unlink()
    return old


def default_name(stem: str, at: float) -> str:
    """What a backup of `at` is called: names in order of time."""
    return f"{stem}-{_stamp(at)}.sqlite"


@contextmanager
def connection_alone(path: Path) -> Iterator[Connection]:
    """A transaction on a file that nobody else has."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None  # sqlite3 would commit before each change of a table

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


# --- copying --------------------------------------------------------------------------------------


def _copy(database: Path, part: Path, *, pause_s: float) -> None:
    """The backup API would start anew at each write of others, but for the source's transaction."""
    with ExitStack() as files:
        out = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        files.callback(os.close, out)  # last: closing it drops the file's locks
        target = files.enter_context(closing(_open(part)))
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source = files.enter_context(closing(_open(database)))
        source.execute("PRAGMA query_only = ON")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def breathe(_status: int, left: int, _of: int) -> None:
            # Written out as we go: the kernel would pile it up before the hub's next fsync.
            os.fdatasync(out)
            if left:
                time.sleep(pause_s)

        source.backup(target, pages=STEP_PAGES, progress=breathe)
    with closing(_open(part)) as alone:
        alone.execute("PRAGMA journal_mode = DELETE")  # one file, without a WAL beside it


def _step_to(part: Path, schema: str | None) -> None:
    if schema is not None:
        with connection_alone(part) as connection:
            migrate.step_down(connection, part, to=schema)


def _renewed(fresh: Path, *, site: str, until: float, named: Path) -> tuple[str, ...]:
    """Bring the schema up, and say of each gateway what is missing since; gives the gateways."""
    with connection_alone(fresh) as connection:
        migrate.migrate(connection, named)
        sites = set(connection.exec_driver_sql("SELECT site FROM cursors").scalars())
        if sites and site not in sites:
            raise StoreError(
                f"{named}: is of the site {', '.join(sorted(sites))}, and the settings' site_id is "
                f"{site}. Give a backup of this site."
            )
        connection.execute(delete(sessions))  # nobody stays logged in by one that was ended since
        gateways = sorted({sender for sender, _, _ in sightings.marks(connection)})
        for gateway in gateways:
            # From its first hole on: a backlog was perhaps coming in behind what was newest.
            missing = heard.holes(connection, gateway, until=until)
            since = missing[0][0] if missing else until
            sightings.add_gap(connection, gateway, Gap(since, until, RESTORED))
    return tuple(gateways)


def _set_aside(database: Path, now: float) -> Path | None:
    """Give the file another name beside its own, which `_settle` then gives to the new one.

    So at each moment there is a whole database: a hub that found none would begin an empty one.
    """
    if not database.exists():
        return None
    aside = Path(f"{database}.before-{_stamp(now)}")
    _fold(database)
    os.link(database, aside)
    for side in _SIDES:  # of a damaged one; they would be taken for the new file's
        part = Path(f"{database}{side}")
        if part.exists():
            part.rename(f"{aside}{side}")
    return aside


def _fold(database: Path) -> None:
    """Bring the WAL into the file, where it is sound: one file is one name."""
    try:
        with closing(_open(database)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        if not is_damage(error):
            raise


def _settle(part: Path, target: Path, *, like: Path) -> None:
    """Make the file durable under its own name."""
    _give_to_owner_of(like, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Faults of file, disk or lock as StoreError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise explained(path, error) from error
    except OSError as error:
        raise StoreError(
            f"{error.filename or path}: {error.strerror}. See that this user may write there, and "
            "that there is room."
        ) from error


def _open(path: Path, *, write: bool = True) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)


def _make_folder(folder: Path, *, like: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=0o700)
        if like.exists():
            _give_to_owner_of(like, folder)


def _give_to_owner_of(like: Path, path: Path) -> None:
    """Run by root, what we make belongs to the service, which must be able to use it."""
    owner, own = like.stat(), path.stat()
    if os.geteuid() == 0 and (owner.st_uid, owner.st_gid) != (own.st_uid, own.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid)


def _leave_room(source: Path, target: Path) -> None:
    wants = source.stat().st_size + SPARE_BYTES
    free = shutil.disk_usage(target.parent).free
    if free < wants:
        raise StoreError(
            f"{target.parent}: has {free / 1e6:,.0f} MB free; {wants / 1e6:,.0f} MB are wanted: "
            "the database's size, and what stays free for the hub. Make room, or name another disk."
        )


def _remove(path: Path) -> None:
    for side in ("", *_SIDES):
        Path(f"{path}{side}").unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    """Seconds since the database was last written."""
    sides = (Path(f"{path}{side}") for side in ("", "-wal"))
    newest = max(side.stat().st_mtime for side in sides if side.exists())
    return max(0.0, time.time() - newest)
