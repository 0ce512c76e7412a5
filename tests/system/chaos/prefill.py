"""Fills an edge's outbox through the product's own file, as an outage of many hours does.

`python -m tests.system.chaos.prefill FILE --gateway gw-01 --ledger FILE --rows N --before T`: a
window a second up to T, each with a reading of its own, told in the ledger as `role.py` does.
"""

import argparse
from pathlib import Path

from gateway.clock import Clock
from gateway.link.envelope import Kind, encode_items
from gateway.link.outbox_file import Append, open_outbox
from gateway.model import Lane, Reading, Window
from tests.system.chaos.ground import UUID
from tests.system.chaos.role import keep_ledger

AT_ONCE = 500  # appends that share a commit
MAX_BYTES = 200_000_000


def window(second: int, *, receiver: str) -> Window:
    """With one reading, of nobody's tag; its identifier tells the second."""
    major, minor = divmod(second % (1 << 31), 1 << 16)
    identifier = f"ibeacon:{UUID}:{0x8000 | major}:{minor}"
    return Window(second, (receiver,), (Reading(receiver, identifier, -80.0, -80, 1),))


def fill(outbox: Path, *, rows: int, before: int, receiver: str) -> None:
    """`rows` windows of the seconds up to `before`, oldest first. Raises OutboxError."""
    file, _ = open_outbox(outbox, max_bytes=MAX_BYTES, setting=Clock().setting)
    for begin in range(before - rows, before, AT_ONCE):
        seconds = range(begin, min(begin + AT_ONCE, before))
        file.transact([_row(second, receiver=receiver) for second in seconds], receipted={})
    file.close()


def _row(second: int, *, receiver: str) -> Append:
    items = encode_items([window(second, receiver=receiver)])
    since, until = float(second), float(second + 1)
    return Append(Lane.BACKLOG, Kind.SIGHTINGS, items, since=since, until=until)


def main() -> None:
    """Fill it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("outbox", type=Path)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--receiver", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--before", type=int, required=True)
    wanted = parser.parse_args()
    keep_ledger(wanted.ledger, gateway=wanted.gateway)
    fill(wanted.outbox, rows=wanted.rows, before=wanted.before, receiver=wanted.receiver)


if __name__ == "__main__":
    main()
