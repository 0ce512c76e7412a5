"""What a doctor sees of the machine itself: clock, disk, files, serial lines."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.doctor_words import Verdict, duration, ill, well, worrying
from gateway.clock import Clock
from gateway.lights.bus_wire import explain
from gateway.lights.bus_words import Line
from gateway.model import Role
from gateway.outputs.quarantine import older, put_at
from gateway.settings import EdgeSettings, Settings
from gateway.store.checking import vital_damage
from gateway.store.migrate import newest_schema

LEAST_FREE_MB, ENOUGH_FREE_MB = 100, 1_000
LONG_WAIT_S = 300.0
COMMAND_S = 5.0


def machine_verdicts(settings: Settings, clock: Clock) -> Iterator[Verdict]:
    """All of them, for the roles that the settings name."""
    yield from clock_verdicts(clock, synchronised=synchronised())
    yield disk_verdict(settings.state_dir)
    if Role.EDGE in settings.roles:
        yield outbox_verdict(settings.state_path(settings.edge.outbox), now=clock.utc())
        yield from bus_verdicts(settings.edge)
    if Role.HUB in settings.roles:
        yield database_verdict(settings.state_path(settings.hub.database))
    if Role.SINK in settings.roles:
        yield quarantine_verdict(settings.state_path(settings.sink.quarantine))


def synchronised() -> bool | None:
    """Whether the machine's clock follows a time server; None where nobody can tell."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(  # noqa: S603 - a constant command
            command, capture_output=True, text=True, timeout=COMMAND_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(told.stdout.strip())


def clock_verdicts(clock: Clock, *, synchronised: bool | None) -> Iterator[Verdict]:
    """Of a simulated clock only that it is one."""
    if clock.start is not None:
        remedy = "remove [clock] where real people are watched over"
        yield worrying("clock", "time is simulated", remedy)
    elif not clock.synced():
        remedy = "timedatectl set-ntp true, and see to the network; until then nothing is dated"
        yield ill("clock", "it was not set since the machine started", remedy)
    elif synchronised is None:
        remedy = "see to it that systemd-timesyncd or chrony runs"
        yield worrying("clock", "whether it follows a time server cannot be told here", remedy)
    elif not synchronised:
        yield worrying("clock", "it follows no time server", "timedatectl set-ntp true")
    else:
        yield well("clock", "follows a time server")


def disk_verdict(folder: Path) -> Verdict:
    """The disk under `folder`, which may not be there yet. Who may write there is for `check`."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(there).free / 1e6
    what = f"{free_mb:,.0f} MB free under {folder}"
    if free_mb < LEAST_FREE_MB:
        return ill("disk", what, "free space: without it the oldest rows are dropped")
    if free_mb < ENOUGH_FREE_MB:
        return worrying("disk", what, "free space before it is full")
    return well("disk", what)


def bus_verdicts(edge: EdgeSettings) -> Iterator[Verdict]:
    """Each serial line: whether its adapter is there and may be used. Nothing is sent on it."""
    for name, bus in edge.buses.items():
        part, device = f"bus {name}", Path(bus.device)
        if device.is_char_device() and os.access(device, os.R_OK | os.W_OK):
            yield well(part, f"{device} is there; `machimori lamp scan` asks who answers")
            continue
        line = Line(name=name, **bus.model_dump())
        what, _, remedy = explain(line).removeprefix(f"{part}: ").partition(": ")
        yield ill(part, what, remedy)


def outbox_verdict(path: Path, *, now: float) -> Verdict:
    """The outbox's file, whether its service runs or not."""
    remedy = "stop machimori-edge, move the file away, start it again, and check the disk"
    try:
        with _opened(path) as db:
            damage = _damage(db)
            rows, oldest = db.execute("SELECT count(*), min(since) FROM row").fetchone()
    except FileNotFoundError:
        return well("outbox", f"{path} is not there yet: the edge makes it when it starts")
    except sqlite3.Error as error:
        return ill("outbox", f"{path}: {error}", remedy)
    if damage:
        return ill("outbox", f"{path} is damaged ({damage})", remedy)
    if rows and now - oldest > LONG_WAIT_S:
        what = f"{rows} rows wait for the hub, the oldest for {duration(now - oldest)}"
        return worrying("outbox", what, "see broker and hub; nothing is lost meanwhile")
    return well("outbox", f"{path}: rows that wait: {rows}")


def database_verdict(path: Path) -> Verdict:
    """The hub's database, whether its service runs or not."""
    try:
        with _opened(path) as db:
            damage = vital_damage(db)
            schema = db.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except FileNotFoundError:
        return well("database", f"{path} is not there yet: the hub makes it when it starts")
    except (sqlite3.Error, TypeError) as error:
        remedy = "see who may read it; a damaged file: put back a backup (machimori restore)"
        return ill("database", f"{path}: {error}", remedy)
    if damage:
        remedy = "stop machimori-hub, put back a backup (machimori restore), and check the disk"
        return ill("database", f"{path} is damaged ({damage})", remedy)
    newest = newest_schema()
    if schema == newest:
        return well("database", f"{path}: sound, schema {schema}")
    what = f"{path} has schema {schema}, this program {newest}"
    if schema < newest:
        return worrying("database", what, "back it up, and restart machimori-hub: it migrates it")
    return ill("database", what, "update this program: a newer one wrote the file")


def quarantine_verdict(path: Path) -> Verdict:
    """What InfluxDB refused for good."""
    lines, size_bytes, since = 0, 0, None
    for one in (older(path), path):
        try:
            with one.open("rb") as file:
                for line in file:
                    since = put_at(line) if since is None else since
                    lines, size_bytes = lines + 1, size_bytes + len(line)
        except FileNotFoundError:
            continue
        except OSError as error:
            return ill("quarantine", f"{one}: {error.strerror}", "let the sink's user read it")
    if not lines:
        return well("quarantine", "empty")
    what = f"{path}: lines that InfluxDB refused: {lines}, {size_bytes / 1e6:.1f} MB"
    if since is not None:
        what += f", since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"
    remedy = "read why in each line; move the file away when it is dealt with"
    return worrying("quarantine", what, remedy)


def _opened(path: Path) -> closing[sqlite3.Connection]:
    """A connection that cannot write. Raises FileNotFoundError, and sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return closing(sqlite3.connect(uri, uri=True, timeout=COMMAND_S))


def _damage(db: sqlite3.Connection) -> str:
    found: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "" if found == "ok" else found
