"""What a batch of rows amounts to for tags, before it is written."""

from collections import Counter
from dataclasses import dataclass, field
from math import floor

from gateway.alerts.happenings import Happening, TagSuspected
from gateway.model import Doubt, Suspicion
from gateway.store import heard_eids, sealed_waiting, suspicions, tag_states
from gateway.store.database import Connection
from gateway.store.heard_eids import Bound
from gateway.store.sealed_waiting import WaitingFrame
from gateway.store.tag_states import StoredState


@dataclass(slots=True)
class TagNews:
    """`bound` is to be known once it is committed, `told` are the suspicions that are new.

    `counts` are those of the parts that fill it.
    """

    bound: dict[str, Bound] = field(default_factory=dict)
    states: list[StoredState] = field(default_factory=list)
    waiting: list[WaitingFrame] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    told: list[Suspicion] = field(default_factory=list)
    _doubted: dict[tuple[str, Doubt, int], Suspicion] = field(default_factory=dict)

    def doubt(self, at: float, tag: str, doubt: Doubt, receiver: str) -> None:
        """A hearing of `tag` is doubted; many of one kind and ten minutes are one suspicion."""
        key = (tag, doubt, floor(at / suspicions.EVERY_S))
        known = self._doubted.get(key)
        if known is None:
            self._doubted[key] = Suspicion(at, tag, doubt, (receiver,) if receiver else ())
        elif receiver and receiver not in known.receivers:
            self._doubted[key] = known._replace(receivers=(*known.receivers, receiver))

    def write(self, connection: Connection) -> list[Happening]:
        """Write all of it in the caller's transaction; gives what the rules are to judge."""
        heard_eids.add(connection, self.bound)
        tag_states.record(connection, self.states)
        self.counts["sealed_dropped"] += sealed_waiting.add(connection, self.waiting)
        self.told = [one for one in self._doubted.values() if suspicions.add(connection, one)]
        self.counts["suspicions"] += len(self.told)
        return [*self.happenings, *map(TagSuspected, self.told)]
