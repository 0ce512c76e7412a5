"""What is there in the end, read from the files and from InfluxDB without the product's code."""

import json
import re
import time
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tests.system.chaos.ground import DATABASE, EDGES, ROLES
from tests.system.chaos.ledger import Committed, Ledger, committed
from tests.system.chaos.nemesis import History
from tests.system.chaos.town import OUTBOX_FILE, Exit, Town

_QUARANTINED = re.compile(r"^(?P<measurement>\w+),(?P<tags>\S+) .* (?P<ms>\d+)$")
_TOLD_AT = re.compile(r'"timestamp": "(?P<at>[^"]+)"')
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|never retrieved")
Place = tuple[float, float, float]  # lon, lat, radius68_m
HOUR_S = 3_600.0  # by which clocks are bent
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
    """All that the judge judges by.

    Positions are by (tag, ms): lon, lat, radius68_m. Alerts are (id, state, ms). `of_twins` are the
    rows that a second process of one id committed; a traceback is of a process, with the time that
    its log tells, or 0.
    """

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
    positions: dict[tuple[str, int], Place] = field(default_factory=dict)
    alerts: set[tuple[str, str, int]] = field(default_factory=set)
    influx_positions: dict[tuple[str, int], Place] = field(default_factory=dict)
    influx_alerts: set[tuple[str, str, int]] = field(default_factory=set)
    quarantined: set[tuple[str, int]] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)
    held: set[tuple[str, float, str]] = field(default_factory=set)  # process, since, kind
    of_twins: set[tuple[str, str, str, int]] = field(default_factory=set)
    tracebacks: list[tuple[str, float, str]] = field(default_factory=list)
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
        (str(tag), _ms(at)): _place(lon, lat, radius)
        for tag, at, lon, lat, radius in town.rows(
            "SELECT tag, at, lon, lat, radius68_m FROM positions"
        )
    }
    found.alerts = {
        (str(one), str(state), _ms(at))
        for one, state, at in town.rows(
            "SELECT alert_id, changed.state, alerts.at "
            "FROM alert_changes AS changed JOIN alerts ON alerts.id = alert_id"
        )
    }
    await _ask_influx(town, found)
    found.quarantined = _quarantined(town)
    found.waiting = waiting(town, before=until)
    found.held = _held(town)
    found.of_twins = {
        row.key for row in found.committed if row.key and row.process.startswith("twin")
    }
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
        'SELECT lon, lat, radius68_m FROM position GROUP BY "tag"', database=DATABASE
    )
    found.influx_positions = {
        (str(one["tag"]), int(str(one["time"]))): _place(one["lon"], one["lat"], one["radius68_m"])
        for one in points
    }
    told = await town.influx.query('SELECT id FROM alert GROUP BY "state"', database=DATABASE)
    found.influx_alerts = {
        (str(one["id"]), str(one["state"]), int(str(one["time"]))) for one in told
    }


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


def _tracebacks(town: Town) -> list[tuple[str, float, str]]:
    found = []
    for log in sorted(town.folder.glob("*.log")):
        if log.stem not in ROLES and not log.stem.startswith("twin"):
            continue
        lines = log.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines):
            if _TRACEBACK.search(line):
                text = "\n".join(lines[number : number + AROUND])
                found.append((log.stem, _told_at(lines[: number + 1]), text))
    return found


def _told_at(lines: list[str]) -> float:
    """The time of the last line that tells one; 0 where none does, or the clock was bent."""
    for line in reversed(lines):
        told = _TOLD_AT.search(line)
        if told is not None:
            at = datetime.fromisoformat(told["at"]).timestamp()
            return min((at, at - HOUR_S, at + HOUR_S), key=lambda one: abs(one - time.time()))
    return 0.0


def _place(lon: object, lat: object, radius68_m: object) -> Place:
    return float(str(lon)), float(str(lat)), float(str(radius68_m))


def _ms(at: object) -> int:
    return round(float(str(at)) * 1000)
