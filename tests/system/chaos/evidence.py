"""What is there in the end, read from the files and from InfluxDB without the product's code."""

import json
import re
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.system.chaos.ground import DATABASE, EDGES, ROLES
from tests.system.chaos.ledger import Committed, Ledger, committed
from tests.system.chaos.nemesis import History
from tests.system.chaos.town import OUTBOX_FILE, Exit, Town

_QUARANTINED = re.compile(r"^(?P<measurement>\w+),(?P<tags>\S+) .* (?P<ms>\d+)$")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|never retrieved")
AROUND = 12  # lines of a traceback that are shown


class StoredRow(NamedTuple):
    """A window in the hub's database: of which row of which outbox, and whom it names."""

    key: tuple[str, str, str, int]
    second: int
    identifiers: frozenset[str]


class StoredGap(NamedTuple):
    """A gap in the hub's database."""

    gateway: str
    since: float
    until: float
    reason: str


@dataclass(slots=True)
class Evidence:
    """All that the judge judges by. Points of InfluxDB are by (tag, ms), alerts by (id, state)."""

    ledger: Ledger
    history: History
    since: float
    until: float
    committed: list[Committed] = field(default_factory=list)
    rows: list[StoredRow] = field(default_factory=list)
    gaps: list[StoredGap] = field(default_factory=list)
    marks: dict[tuple[str, str, str], int] = field(
        default_factory=dict
    )  # by (gateway, epoch, lane)
    sos: list[tuple[str, float]] = field(default_factory=list)  # tag, at
    positions: set[tuple[str, int]] = field(default_factory=set)
    alerts: set[tuple[str, str]] = field(default_factory=set)
    influx_positions: set[tuple[str, int]] = field(default_factory=set)
    influx_alerts: set[tuple[str, str]] = field(default_factory=set)
    quarantined: set[tuple[str, int]] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)
    held: set[tuple[str, float, str]] = field(default_factory=set)  # process, since, kind
    tracebacks: list[tuple[str, str]] = field(default_factory=list)  # process, text
    exits: list[Exit] = field(default_factory=list)
    stalled_share: float = 0.0  # of the run: how long somebody waited for a core of the machine


async def gather(
    town: Town, ledger: Ledger, history: History, *, since: float, until: float
) -> Evidence:
    """Read everything; the hub and InfluxDB may run."""
    found = Evidence(ledger, history, since, until, exits=list(town.exits))
    found.committed = committed(sorted(town.folder.glob("*.ledger")))
    found.rows = [
        StoredRow(
            (str(gateway), str(epoch), str(lane), int(str(seq))),
            int(str(second)),
            _identifiers(body),
        )
        for gateway, epoch, lane, seq, second, body in town.rows(
            "SELECT gateway, epoch, lane, seq, second, body FROM windows"
        )
    ]
    found.gaps = [
        StoredGap(str(gateway), float(str(begin)), float(str(end)), str(reason))
        for gateway, begin, end, reason in town.rows(
            "SELECT gateway, since, until, reason FROM gaps"
        )
    ]
    found.marks = {
        (str(sender), str(epoch), str(lane)): int(str(mark))
        for sender, epoch, lane, mark in town.rows("SELECT sender, epoch, lane, mark FROM marks")
    }
    found.sos = [
        (str(tag), float(str(at)))
        for tag, at in town.rows("SELECT tag, at FROM alerts WHERE kind = 'sos'")
    ]
    found.positions = {
        (str(tag), _ms(at)) for tag, at in town.rows("SELECT tag, at FROM positions")
    }
    found.alerts = {
        (str(one), str(state))
        for one, state in town.rows("SELECT alert_id, state FROM alert_changes")
    }
    await _ask_influx(town, found)
    found.quarantined = _quarantined(town)
    found.waiting = waiting(town, before=until)
    found.held = _held(town)
    found.tracebacks = _tracebacks(town)
    return found


def waiting(town: Town, *, before: float) -> dict[str, int]:
    """What is not yet worked off, by where it waits; rows of captures after `before` left out."""
    counts = {
        f"outbox of {edge}": town.rows(
            "SELECT count(*) FROM row WHERE until <= ?", before, of=town.outbox(edge)
        )
        for edge in EDGES
    }
    told = {where: int(str(count)) for where, ((count,),) in counts.items() if count}
    return told | waiting_at_hub(town)


def waiting_at_hub(town: Town) -> dict[str, int]:
    """What the hub has not yet worked off, by where it waits."""
    counts = {
        "late windows": town.rows("SELECT count(*) FROM windows WHERE late AND NOT amended"),
        "rows for the sink": town.rows("SELECT count(*) FROM link_rows WHERE direction = 'out'"),
    }
    return {where: int(str(count)) for where, ((count,),) in counts.items() if count}


async def _ask_influx(town: Town, found: Evidence) -> None:
    points = await town.influx.query(
        'SELECT n_heard FROM position GROUP BY "tag"', database=DATABASE
    )
    found.influx_positions = {(str(one["tag"]), int(str(one["time"]))) for one in points}
    told = await town.influx.query('SELECT id FROM alert GROUP BY "state"', database=DATABASE)
    found.influx_alerts = {(str(one["id"]), str(one["state"])) for one in told}


def _identifiers(body: object) -> frozenset[str]:
    assert isinstance(body, bytes)
    window = json.loads(zlib.decompress(body))
    return frozenset(_identifier(reading) for reading in window["readings"])


def _identifier(reading: dict[str, object] | list[object]) -> str:
    return str(reading["identifier"] if isinstance(reading, dict) else reading[1])


def _quarantined(town: Town) -> set[tuple[str, int]]:
    if not town.quarantine.exists():
        return set()
    lines = [json.loads(one) for one in town.quarantine.read_text().splitlines() if one]
    found = [_QUARANTINED.match(str(one["line"])) for one in lines]
    return {
        (dict(pair.split("=", 1) for pair in one["tags"].split(","))["tag"], int(one["ms"]))
        for one in found
        if one is not None and one["measurement"] == "position"
    }


def _held(town: Town) -> set[tuple[str, float, str]]:
    """Rows in the outbox of a twin that was stopped: nobody's loss, as it is there yet."""
    return {
        (file.parent.name, float(str(since)), str(kind))
        for file in town.folder.glob(f"state/twin*/{OUTBOX_FILE}")
        for since, kind in town.rows("SELECT since, kind FROM row", of=file)
    }


def _tracebacks(town: Town) -> list[tuple[str, str]]:
    found = []
    for log in sorted(town.folder.glob("*.log")):
        if log.stem not in ROLES and not log.stem.startswith("twin"):
            continue
        lines = log.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines):
            if _TRACEBACK.search(line):
                found.append((log.stem, "\n".join(lines[number : number + AROUND])))
    return found


def _ms(at: object) -> int:
    return round(float(str(at)) * 1000)
