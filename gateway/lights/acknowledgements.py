"""What became of each override at each lamp: told once, and again when it changes.

A person waits for it: an edge says done or failed within `DEADLINE_S`; a lamp that follows later is
told then, too. Times are UTC (`at`) and monotonic (`now`), seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.lamps import Outcome, OutcomeState, Override
from gateway.lights.bus_words import Failure
from gateway.lights.control import Control, Standing
from gateway.lights.following import Following, Proof
from gateway.lights.orders import Overrides

DEADLINE_S = 2.0  # the hub gives the whole way 3 s

_Verdict = tuple[OutcomeState, str]
_DONE: _Verdict = (OutcomeState.DONE, "")


@dataclass(slots=True)
class _Wait:
    override: Override
    lamp: str
    since: float
    stored: bool
    told: _Verdict | None = None


class Acknowledgements:
    """`judge` gives what is to be told now. What was done, or is over, is no longer waited for."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._waits: list[_Wait] = []

    @property
    def waiting(self) -> frozenset[str]:
        """The lamps of which something is still to be heard."""
        return frozenset(wait.lamp for wait in self._waits)

    def told(self, overrides: Overrides, now: float, *, stored: bool = False) -> None:
        """What people say now, whole: lamps of new overrides are waited for from `now` on.

        `stored`: read from the disk. What is over by now the process before has told of.
        """
        ids = frozenset(one.id for one in overrides.overrides)
        self._waits = [wait for wait in self._waits if wait.override.id in ids]
        self._waits += [
            _Wait(one, lamp, now, stored)
            for one in overrides.overrides
            if one.id not in self._known
            for lamp in one.lamps
        ]
        self._known = ids

    def judge(
        self,
        control: Control,
        lamps: Mapping[str, Following],
        *,
        at: float,
        now: float,
        synced: bool = True,
    ) -> list[Outcome]:
        """The outcomes that are new, after `control` decided and the buses answered."""
        told: list[Outcome] = []
        still: list[_Wait] = []
        for wait in self._waits:
            standing = control.standing(wait.override, wait.lamp, at, synced=synced)
            if standing is Standing.NOT_YET:
                wait.since = now
            verdict, final = _judge(wait, standing, lamps.get(wait.lamp), now)
            if standing is Standing.NOT_YET and not synced:
                verdict = None  # nobody knows whether it is of later, or over
            if verdict is not None and verdict != wait.told:
                wait.told = verdict
                state, why = verdict
                told.append(Outcome(wait.override.id, wait.lamp, at, state, why))
            if not final:
                still.append(wait)
        self._waits = still
        return told


def _judge(
    wait: _Wait, standing: Standing, lamp: Following | None, now: float
) -> tuple[_Verdict | None, bool]:
    """What is to be said, and whether that is the last word."""
    late = now - wait.since >= DEADLINE_S
    match standing:
        case Standing.NOT_YET:
            return (OutcomeState.WAITING, ""), False
        case Standing.OVER:
            said = wait.stored if wait.told is None else wait.told[0] is not OutcomeState.WAITING
            return (None if said else (OutcomeState.FAILED, "expired")), True
        case Standing.OUTRANKED:
            return (OutcomeState.FAILED, "outranked"), False
        case Standing.HOLDS if lamp is None:
            return ((OutcomeState.FAILED, "unknown_lamp") if late else None), False
        case Standing.HOLDS if lamp.proof is Proof.FOLLOWED or (
            wait.override.blink and lamp.proof is Proof.WRITTEN
        ):
            return _DONE, True
    return (_so_far(lamp) if late else None), False


def _so_far(lamp: Following) -> _Verdict:
    """The word at the deadline: a node that took the write is believed until it is polled."""
    if lamp.proof is Proof.WRITTEN:
        return _DONE
    if lamp.proof is Proof.REFUSED:
        return OutcomeState.FAILED, "not_followed"
    down = lamp.failure is Failure.BUS_DOWN
    return OutcomeState.FAILED, "bus_down" if down else "no_answer"
