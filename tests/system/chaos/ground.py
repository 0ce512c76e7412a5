"""What the town of the chaos stands on: the site, the settings of each role, the broker's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.needs import ROOT

EDGES = ("gw-01", "gw-02")
ROLES = (*EDGES, "hub", "sink")
NAMES = ("mosquitto", "influxd", *ROLES)
PAIRS = (*((role, "mosquitto") for role in ROLES), ("sink", "influxd"))
SITE_ID = "chaos"
UUID = "7b1f2c58-94e3-4d0a-9c6e-3a2d51f08e47"  # of every tag here: an edge looks at no other
DATABASE = "machimori"

_SETTINGS = """
site = {site}
site_id = "{site_id}"
state_dir = {state}
[broker]
port = {mqtt}
[edge]
gateway = "{edge}"
outbox_max_mb = {outbox_mb}
[hub.api]
port = {http}
cookie_secure = false
[hub.calibration]
nightly = false
[sink.influx]
version = 1
url = "http://127.0.0.1:{influx}"
database = "{database}"
"""
_MOSQUITTO = """
user root
listener {mqtt} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {state}/
autosave_interval 5
message_size_limit 4194304
log_dest stderr
log_type error
log_type warning
log_type notice
"""


def write_site(file: Path) -> dict[str, tuple[str, ...]]:
    """The shipped site without lamps, its receivers shared out; gives each edge's topics."""
    site = json.loads((ROOT / "config" / "site.geojson").read_text())
    site["features"] = [one for one in site["features"] if _kind(one) not in ("lamp", "camera")]
    receivers = [one["properties"] for one in site["features"] if _kind(one) == "receiver"]
    half = len(receivers) // 2
    for number, receiver in enumerate(receivers):
        receiver |= {
            "gateway": EDGES[number >= half],
            "format": "openmqttgateway",
            "topic": f"home/OMG_{receiver['id']}",
        }
    file.write_text(json.dumps(site))
    return {
        edge: tuple(one["topic"] for one in receivers if one["gateway"] == edge) for edge in EDGES
    }


def write_settings(
    file: Path, *, state: Path, site: Path, ports: Mapping[str, int], edge: str, outbox_mb: int
) -> None:
    """A role's own settings: it reaches the others at ports of its own."""
    file.write_text(
        _SETTINGS.format(
            site=json.dumps(str(site)),
            site_id=SITE_ID,
            state=json.dumps(str(state)),
            edge=edge,
            outbox_mb=outbox_mb,
            database=DATABASE,
            **ports,
        )
    )


def write_mosquitto(file: Path, *, state: Path, port: int) -> None:
    """A broker that keeps what it is given, as it is shipped; without TLS."""
    state.mkdir(parents=True, exist_ok=True)
    file.write_text(_MOSQUITTO.format(mqtt=port, state=state))


def _kind(feature: Mapping[str, Any]) -> str:
    return str(feature["properties"]["kind"])
