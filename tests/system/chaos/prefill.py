"""Fills an edge's outbox through the product's own file, as an outage of many hours does.

`python -m tests.system.chaos.prefill FILE --gateway gw-01 --receiver p001 --ledger FILE --rows N
--since S --until T --first K`: N windows of the seconds from S to T, each with a reading of its own
(numbered from K), told in the ledger as `role.py` does.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from gateway.clock import Clock
from gateway.link.envelope import Kind, encode_items
from gateway.link.outbox_file import Append, open_outbox
from gateway.model import Lane, Reading, Window
from tests.system.chaos.ground import UUID
from tests.system.chaos.role import keep_ledger

AT_ONCE = 500  # appends that share a commit
MAX_BYTES = 200_000_000


def window(second: int, number: int, *, receiver: str) -> Window:
    """With one reading, of nobody's tag: its identifier is the number."""
    major, minor = divmod(number, 1 << 16)
    identifier = f"ibeacon:{UUID}:{0x8000 | major}:{minor}"
    return Window(second, (receiver,), (Reading(receiver, identifier, -80.0, -80, 1),))


def fill(outbox: Path, windows: Sequence[Window]) -> None:
    """Append them, in their order. Raises OutboxError."""
    setting = Clock().setting
    file, _ = open_outbox(outbox, max_bytes=MAX_BYTES, setting=lambda _heartbeat: setting)
    for begin in range(0, len(windows), AT_ONCE):
        some = windows[begin : begin + AT_ONCE]
        file.transact([_row(one) for one in some], receipted={})
    file.close()


def _row(one: Window) -> Append:
    since, until = float(one.second), float(one.second + 1)
    return Append(Lane.BACKLOG, Kind.SIGHTINGS, encode_items([one]), since=since, until=until)


def main() -> None:
    """Fill it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("outbox", type=Path)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--receiver", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    for name in ("--rows", "--since", "--until", "--first"):
        parser.add_argument(name, type=int, required=True)
    wanted = parser.parse_args()
    keep_ledger(wanted.ledger, gateway=wanted.gateway)
    span = wanted.until - wanted.since
    seconds = (wanted.since + place * span // wanted.rows for place in range(wanted.rows))
    windows = [
        window(second, number, receiver=wanted.receiver)
        for number, second in enumerate(seconds, wanted.first)
    ]
    fill(wanted.outbox, windows)


if __name__ == "__main__":
    main()
