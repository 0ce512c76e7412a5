"""What was emitted, what the edges say that they committed, and when each alert was there.

Three witnesses that know nothing of each other: the producer, the edges' processes (a line a row,
written by `role.py` around the outbox's commit), and a reader of the hub's database.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.system.chaos.town import Town

WATCH_EVERY_S = 0.2


class Emitted(NamedTuple):
    """One advert of an identifier that was never used before, published between two true times."""

    identifier: str
    gateway: str
    receiver: str
    since: float
    until: float
    is_press: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """One row of an edge's outbox: `key` is its (gateway, epoch, lane, seq); `at` is true time.

    `since` and `until` are what the edge says of its capture. A row without `key` was only tried:
    its process was killed within the commit, so it may be there or not.
    """

    key: tuple[str, str, str, int] | None
    process: str
    gateway: str
    kind: str
    since: float
    until: float
    identifiers: frozenset[str]
    at: float


class Seen(NamedTuple):
    """An SOS in the hub's database, first seen at `seen`, true time; `at` is its own."""

    tag: str
    at: float
    seen: float


@dataclass(slots=True)
class Ledger:
    """`tags` maps each button's identifier to the tag whose it is."""

    emitted: list[Emitted] = field(default_factory=list)
    unsent: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    alerts: list[Seen] = field(default_factory=list)
    unreadable: int = 0

    async def watch_alerts(self, town: Town) -> None:
        """Note each SOS as it comes, until cancelled."""
        last = 0
        while True:
            try:
                found = town.rows(
                    "SELECT rowid, tag, at FROM alerts WHERE kind = 'sos' AND rowid > ?", last
                )
            except sqlite3.OperationalError:  # not made yet, or its owner died this moment
                self.unreadable += 1
                found = []
            now = town.now()
            for row, tag, at in found:
                last = max(last, int(str(row)))
                self.alerts.append(Seen(str(tag), float(str(at)), now))
            await asyncio.sleep(WATCH_EVERY_S)


def committed(files: Iterable[Path]) -> list[Committed]:
    """The rows of the edges' ledgers; those that were tried and not done are last."""
    true_s = time.time() - time.monotonic()
    rows = [_row(line, file.stem, true_s) for file in files for line in _lines(file)]
    done = [row for row in rows if row.key is not None]
    contents = {_content(row) for row in done}
    return [*done, *(row for row in rows if row.key is None and _content(row) not in contents)]


def _content(row: Committed) -> tuple[object, ...]:
    return row.gateway, row.kind, row.since, row.identifiers


def _lines(file: Path) -> Iterator[dict[str, object]]:
    """A line that a kill cut off is not told: what it says was then only tried."""
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _row(line: dict[str, object], process: str, true_s: float) -> Committed:
    identifiers, gateway = line["identifiers"], str(line["gateway"])
    assert isinstance(identifiers, list)
    is_done = line["state"] == "done"
    lane = str(line["lane"])
    return Committed(
        key=(gateway, str(line["epoch"]), lane, int(str(line["seq"]))) if is_done else None,
        process=process,
        gateway=gateway,
        kind=str(line["kind"]),
        since=float(str(line["since"])),
        until=float(str(line["until"])),
        identifiers=frozenset(map(str, identifiers)),
        at=float(str(line["mono"])) + true_s,
    )
