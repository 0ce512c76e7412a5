"""The queries of config/grafana/machimori.json, with Grafana's own words filled in."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.needs import ROOT

FILE = ROOT / "config" / "grafana" / "machimori.json"
_FROM = re.compile(r'FROM "(\w+)"')
_ALIAS = re.compile(r'AS "(\w+)"')
_QUOTED = re.compile(r'"(\w+)"')


class Query(NamedTuple):
    """What a panel asks."""

    panel: str
    text: str

    @property
    def measurements(self) -> set[str]:
        """The measurements that it reads."""
        return set(_FROM.findall(self.text))

    @property
    def names(self) -> set[str]:
        """The tags and fields that it names, without those that it makes itself."""
        own = set(_ALIAS.findall(self.text))
        rest = _FROM.sub("FROM", _ALIAS.sub("", self.text))
        return set(_QUOTED.findall(rest)) - own

    def filled(self, *, since_ms: int, until_ms: int, site: str) -> str:
        """As Grafana sends it."""
        time = f"time >= {since_ms}ms and time <= {until_ms}ms"
        filled = self.text.replace("$timeFilter", time).replace("$__interval", "1m")
        return filled.replace("$site", site)


def queries() -> Iterator[Query]:
    """Every query of the dashboard: of its panels, and of the lists to choose from."""
    board: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield Query(panel["title"], target["query"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield Query(variable["name"], variable["query"])
