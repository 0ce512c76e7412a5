"""An edge without a broker: what it hears is on the disk or in a gap, and its memory stays."""

import json
from pathlib import Path

from firmware_sim.firmware_frames import Packet, ibeacon
from firmware_sim.nodes import OmgNode
from firmware_sim.site import Node

from tests.bench.budget_day import BLOCK_S, DAY_S, PATTERN_S
from tests.bench.outage import apart

RECEIVERS, TAGS = 8, 45
LOOKS, EVERY_S = 6, 360
MOST_GROWTH = 0.10


def day_of(tmp_path: Path) -> Path:
    """Each tag is heard by two receivers every second, all day."""
    file = tmp_path / "day"
    nodes = [Node(f"r-{k}", "openmqttgateway", f"home/OMG_{k}") for k in range(RECEIVERS)]
    heard = []
    for tag in range(TAGS):
        packet = Packet(f"C0:00:00:00:00:{tag:02X}", ibeacon(tag))
        for near in (tag, tag + 1):
            node = OmgNode(nodes[near % RECEIVERS])
            heard += node.heard(packet, at=0.0, rssi_dbm=-50 - tag)
    second = json.dumps([(message.topic, message.payload) for message in heard])
    lines = [json.dumps(nodes_told(nodes))] + [second] * (DAY_S // BLOCK_S * PATTERN_S)
    file.write_text("\n".join(lines) + "\n")
    return file


def nodes_told(nodes: list[Node]) -> list[tuple[str, str, str]]:
    return [(node.id, node.format, node.topic) for node in nodes]


def test_half_an_hour_without_a_broker_takes_no_memory_and_loses_nothing_without_a_gap(
    tmp_path: Path,
) -> None:
    outage = apart(day_of(tmp_path), tmp_path / "outbox", max_mb=1, looks=LOOKS, every_s=EVERY_S)
    assert outage.unexplained_s == 0
    assert outage.rows < outage.seconds  # it was full
    assert outage.rows + outage.dropped_rows >= outage.seconds
    assert outage.size_mb <= 1.0
    _, settled, *later = outage.resident_mb
    assert max(later) <= (1 + MOST_GROWTH) * settled
