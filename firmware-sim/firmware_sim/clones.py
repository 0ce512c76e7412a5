"""Attackers: each records what a tag sends, and plays it from a place of its own.

What is played at once makes one identity at two places (a copied static tag, or a relay of one that
rotates); later it is an identifier of a closed slot, or an old SOS; with a long tape a whole
sequence of slots, hours late. The addresses are copied, too: an SOS is sealed for its address.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from firmware_sim.firmware import BUTTON
from firmware_sim.firmware_frames import Packet
from firmware_sim.radio import Emission, Ints

LATENCY_S = 0.02  # between hearing and playing at once


@dataclass(frozen=True, slots=True)
class Clone:
    """Record the tag of `person` in [from_s, to_s) after the start, play it `later_s` later.

    `place` is a receiver, or the use or id of a zone of the site.
    """

    person: str
    from_s: float
    to_s: float
    later_s: float
    place: str


class Played(NamedTuple):
    """A packet that an attacker sends at `at`; it was sent by the tag as one of `kind`."""

    at: float
    kind: int
    packet: Packet


class Air(NamedTuple):
    """All packets of a step by time, their kinds, and the bytes of those that attackers sent."""

    sent: Emission
    kind: Ints
    played: Mapping[int, Packet]


class Attacker:
    """A device at `xy` (metres) that follows tag number `tag`; times in Unix seconds."""

    def __init__(self, clone: Clone, *, tag: int, xy: tuple[float, float], start: float) -> None:
        self.tag = tag
        self.xy = xy
        self._from, self._to = start + clone.from_s, start + clone.to_s
        self._later_s = max(clone.later_s, LATENCY_S)
        self._tape: deque[Played] = deque()

    def hears(self, at: float) -> bool:
        """Whether it records then."""
        return self._from <= at < self._to

    def done(self, at: float) -> bool:
        """Whether it has nothing more to record or to play."""
        return at >= self._to and not self._tape

    def record(self, at: float, *, kind: int, packet: Packet) -> None:
        """One packet of the tag, in order of time."""
        self._tape.append(Played(at + self._later_s, kind, packet))

    def due(self, until: float) -> list[Played]:
        """What it plays before `until` and has not yet played."""
        played = []
        while self._tape and self._tape[0].at < until:
            played.append(self._tape.popleft())
        return played


class Attackers:
    """The attackers of a town, at most `room` at a time; as senders they are numbered from
    `first`.
    """

    def __init__(self, *, first: int, room: int) -> None:
        self.tags = np.full(room, -1)
        """Whose tag each follows."""
        self._first = first
        self._attackers: list[Attacker | None] = [None] * room

    def add(self, attacker: Attacker, at: float) -> None:
        """One more at `at`, in place of one that is done. Raises ValueError where all are busy."""
        for number, other in enumerate(self._attackers):
            if other is None or other.done(at):
                self._attackers[number] = attacker
                self.tags[number] = attacker.tag
                return
        raise ValueError(f"{len(self._attackers)} attackers are at work: no room for another")

    def join(
        self,
        sent: Emission,
        kind: Ints,
        until: float,
        *,
        packet: Callable[[int, int, float], Packet],
    ) -> Air:
        """Record from what is `sent` before `until`, and send what is due among it.

        `packet` makes the bytes of a tag's packet from its number, kind and time.
        """
        plays: list[tuple[int, Attacker, Played]] = []
        for number, attacker in enumerate(self._attackers):
            if attacker is None:
                continue
            for k in np.nonzero(sent.tag == attacker.tag)[0]:
                at = float(sent.at[k])
                if attacker.hears(at):
                    told = int(kind[k])
                    attacker.record(at, kind=told, packet=packet(attacker.tag, told, at))
            plays += [(self._first + number, attacker, play) for play in attacker.due(until)]
        return _among(sent, kind, plays) if plays else Air(sent, kind, {})


def _among(sent: Emission, kind: Ints, plays: list[tuple[int, Attacker, Played]]) -> Air:
    at = np.concatenate([sent.at, [play.at for _, _, play in plays]])
    order = np.argsort(at, kind="stable")
    places = np.array([attacker.xy for _, attacker, _ in plays])
    kinds = np.concatenate([kind, [play.kind for _, _, play in plays]])[order]
    joined = Emission(
        at[order],
        np.concatenate([sent.tag, [sender for sender, _, _ in plays]])[order],
        kinds == BUTTON,
        np.concatenate([sent.xy, places])[order],
        np.concatenate([sent.heading, np.zeros_like(places)])[order],
        np.concatenate([sent.indoors, np.zeros(len(plays), dtype=bool)])[order],
    )
    played = {
        new: plays[old - len(sent.at)][2].packet
        for new, old in enumerate(order.tolist())
        if old >= len(sent.at)
    }
    return Air(joined, kinds, played)
