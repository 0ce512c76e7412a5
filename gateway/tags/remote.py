"""Which message is whose: the remote receivers of one gateway, by their topics; parsing only.

What their messages mean stand in `theengs.py` and `espresense.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.model import ReceiverSource, Rejected
from gateway.tags import espresense, theengs
from gateway.tags.reported import Alive, Gone, Report

# OpenMQTTGateway's own buffer for one message is 1 KB; nothing honest is near this.
PAYLOAD_MAX_BYTES = 16_384

Read = Callable[[str, bytes, float], Report]

_FORMATS: Mapping[str, Callable[[str], Mapping[str, Read]]] = {
    "openmqttgateway": theengs.topics,
    "espresense": espresense.topics,
}


class _Route(NamedTuple):
    receiver: str
    read: Read


class RemoteReceivers:
    """Reads the messages of the receivers that belong to one gateway.

    `rejected` counts what was not taken, by reason; `refused` are sources that cannot be followed:
    of a format that is not known, with a topic that is no topic name, or with another's topic.
    `unfit` says of a receiver what in its settings keeps tags from being heard, and what to do.
    """

    def __init__(self, sources: Sequence[ReceiverSource]) -> None:
        self.rejected: Counter[str] = Counter()
        self.unfit: dict[str, str] = {}
        self.follow(sources)

    def follow(self, sources: Sequence[ReceiverSource]) -> None:
        """Replace the receivers that are followed; the counters go on."""
        self._routes: dict[str, _Route] = {}
        refused = []
        for source in sources:
            routes = _routes(source)
            if not routes or not self._routes.keys().isdisjoint(routes):
                refused.append(source)
            else:
                self._routes.update(routes)
        self.refused = tuple(refused)
        self.receivers = frozenset(route.receiver for route in self._routes.values())
        self.unfit = {one: why for one, why in self.unfit.items() if one in self.receivers}

    def topic_filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(sorted(self._routes))

    def parse(self, topic: str, payload: bytes, at: float, *, retained: bool = False) -> Report:
        """Read one message that came at `at` (UTC). Never raises.

        A retained message tells of the past: only a retained last will is taken.
        """
        report = self._read(topic, payload, at, retained=retained)
        if isinstance(report, Rejected):
            self.rejected[report.reason] += 1
        elif isinstance(report, Alive) and report.unfit is not None:
            self._note(report.receiver, report.unfit)
        return report

    def _read(self, topic: str, payload: bytes, at: float, *, retained: bool) -> Report:
        route = self._route(topic)
        if route is None:
            return Rejected("unknown_topic")
        if len(payload) > PAYLOAD_MAX_BYTES:
            return Rejected("too_long")
        report = route.read(route.receiver, payload, at)
        if retained and not isinstance(report, Gone):
            return Rejected("retained")
        return report

    def _note(self, receiver: str, unfit: str) -> None:
        self.unfit.pop(receiver, None)
        if unfit:
            self.unfit[receiver] = unfit

    def _route(self, topic: str) -> _Route | None:
        """A topic matches as it stands, or with its one free level given back to the filter."""
        if topic in self._routes:
            return self._routes[topic]
        levels = topic.split("/")
        free = 2 if levels[:2] == ["espresense", "devices"] else -1
        if len(levels) > 2:
            levels[free] = "+"
        return self._routes.get("/".join(levels))


def _routes(source: ReceiverSource) -> dict[str, _Route]:
    """The topic filters of one receiver; none where its format or topic cannot be used."""
    build = _FORMATS.get(source.format)
    if build is None or not source.topic or any(sign in source.topic for sign in "+#\0"):
        return {}
    return {topic: _Route(source.receiver, read) for topic, read in build(source.topic).items()}
