"""One role of the product as it is, in a process that can be made to die at a named point.

`python -m tests.system.chaos.role edge --config F --ledger FILE --arm FILE`. An edge's ledger has a
JSON line for each row before its transaction ("try") and when that has returned ("done"), with
`mono`, a time of the machine that no fault touches.
"""

import argparse
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli import run_command_line
from gateway.link.envelope import Envelope, decode_items
from gateway.link.outbox_file import Append, OutboxFile, Write
from gateway.model import Press, Rejected, Role, Window
from gateway.settings import load_settings
from tests.system.chaos.points import Trigger, replace, wrap


class _CommitLedger:
    """Appends lines to a file, each whole and with the kernel before the row goes on."""

    def __init__(self, file: Path, *, gateway: str) -> None:
        self._gateway = gateway
        self._out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def around(self, transact: Callable[..., list[int]]) -> Callable[..., list[int]]:
        """`OutboxFile.transact`, told here."""

        @functools.wraps(transact)
        def told(file: OutboxFile, writes: Sequence[Write], **named: Any) -> list[int]:
            rows = [write for write in writes if isinstance(write, Append)]
            self._tell("try", [_row(row) for row in rows])
            numbers = transact(file, writes, **named)
            done = [
                _row(write) | _place(file, write, number)
                for write, number in zip(writes, numbers, strict=True)
                if isinstance(write, Append)
            ]
            self._tell("done", done)
            return numbers

        return told

    def _tell(self, state: str, rows: Iterable[Mapping[str, object]]) -> None:
        also = {"state": state, "gateway": self._gateway, "mono": time.monotonic()}
        os.write(self._out, b"".join(json.dumps({**row, **also}).encode() + b"\n" for row in rows))


def _place(file: OutboxFile, row: Append, number: int) -> dict[str, object]:
    """What it is called on the wire."""
    epoch = file.epochs.of(row.lane, number)
    return {"epoch": epoch.name, "seq": number - epoch.bases[row.lane]}


def _row(row: Append) -> dict[str, object]:
    envelope = Envelope(
        sender="edge",
        epoch="any",
        lane=row.lane,
        seq=1,
        first=1,
        sent=0.0,
        kind=row.kind,
        items=msgspec.Raw(row.items),
    )
    items = decode_items(envelope)
    assert not isinstance(items, Rejected), items
    identifiers: list[str] = []
    for item in items:
        if isinstance(item, Window):
            identifiers += [reading.identifier for reading in item.readings]
        elif isinstance(item, Press):
            identifiers.append(item.identifier)
    return {
        "lane": row.lane,
        "kind": row.kind,
        "since": row.since,
        "until": row.until,
        "identifiers": identifiers,
    }


def keep_ledger(file: Path, *, gateway: str) -> None:
    """Tell in `file` what every outbox of this process commits."""
    ledger = _CommitLedger(file, gateway=gateway)
    replace("gateway.link.outbox_file:OutboxFile.transact", ledger.around)


def main(arguments: Sequence[str]) -> int:
    """Run the role until a signal, or a point, ends it; its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", type=Role)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--arm", type=Path, required=True)
    wanted = parser.parse_args(arguments)
    if wanted.role is Role.EDGE:
        keep_ledger(wanted.ledger, gateway=load_settings(wanted.config).edge.gateway)
    wrap(wanted.role, Trigger(wanted.arm))
    return run_command_line(["run", "--role", wanted.role, "--config", str(wanted.config)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
