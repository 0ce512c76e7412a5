"""One lamp between what it is to have and what it says it has: when to tell it, and again.

Target (what was decided), feedback (what the node says it follows) and actual level are three
things: a write that the node took is not yet a lamp that follows. Times are monotonic seconds.
"""

from enum import StrEnum

from gateway.lights.bus_words import Failure

TOLERANCE = 1.0  # percent; some nodes count in 254 steps
RETRY_FIRST_S = 0.3
RETRY_MOST_S = 60.0
LOST_S = 5.0  # after so long without a word of the bus, a command never reached it
MISSED_POLLS = 3  # after so many a node may have been restarted, or replaced
MISMATCHES = 2  # the first poll may have been read before the command was written


class Proof(StrEnum):
    """What is known of the wanted level."""

    NONE = "none"
    WRITTEN = "written"
    FOLLOWED = "followed"
    REFUSED = "refused"  # the node answers, and does something else


class Following:
    """Says when a command is due, and what became of it.

    `settings_due`: the node must also be told its own fallback (after it came, or came back).
    """

    def __init__(self) -> None:
        self.wanted: float | None = None
        self.settings_due = True
        self.failure: Failure | None = None
        self._sent: tuple[float | None, float] | None = None  # level and time, while on its way
        self._written = False
        self._followed = False
        self._refused = False
        self._contradicted = False  # it took a write, and was seen to do something else since
        self._mismatches = 0
        self._missed = 0
        self._autonomous = False
        self._wait_s = RETRY_FIRST_S
        self._due_at = float("-inf")
        self._settings_at = float("-inf")

    @property
    def proof(self) -> Proof:
        """Of the level that is wanted now."""
        if self._refused or self._contradicted:
            return Proof.REFUSED
        if not self._written or self._missed:
            return Proof.NONE
        return Proof.FOLLOWED if self._followed else Proof.WRITTEN

    def want(self, level: float) -> None:
        """What was decided; where it is new, it is due at once."""
        if level == self.wanted:
            return
        self.wanted = level
        self._written = self._followed = self._refused = self._contradicted = False
        self._mismatches = 0
        self.failure = None
        self.retry_at_once()

    def retry_at_once(self) -> None:
        """Do not wait any longer with what is due."""
        self._wait_s = RETRY_FIRST_S
        self._due_at = float("-inf")

    def with_settings(self, now: float) -> bool:
        """Whether the settings go with what the node is told now."""
        return self.settings_due and now >= self._settings_at

    def due(self, now: float) -> bool:
        """Whether the node must be told something now."""
        if self.wanted is None:
            return False
        if self._sent is not None and now - self._sent[1] < LOST_S:
            return self._sent[0] != self.wanted
        unproven = not self._written or self._mismatches >= MISMATCHES
        return (unproven or self.with_settings(now)) and now >= self._due_at

    def sent(self, now: float) -> None:
        """A command with the wanted level was given to the bus."""
        self._sent = (self.wanted, now)

    def commanded(
        self, level: float | None, failure: Failure | None, now: float, *, settings: bool
    ) -> None:
        """What became of a command with `level`, and with the settings or without."""
        if failure is None and settings:
            self.settings_due = False
        refused = failure is Failure.EXCEPTION
        if refused and settings:
            self._settings_at = now + RETRY_MOST_S
        if level != self.wanted:
            return  # a newer one is on its way, or due
        self._sent = None
        if refused and settings:
            self._due_at = now  # the level alone: a node may lack a register for its settings
            return
        self.failure = failure
        self._mismatches = 0
        self._written = failure is None
        self._refused = refused
        self._due_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, RETRY_MOST_S)

    def polled(self, feedback: float | None, *, autonomous: bool | None) -> None:
        """The node answered: what it says that it follows (None: it cannot say)."""
        if self._missed:
            self.retry_at_once()
        if self._missed >= MISSED_POLLS or (autonomous and not self._autonomous):
            self.settings_due = True
        self._missed = 0
        self.failure = None
        self._autonomous = bool(autonomous)
        if feedback is None or not self._written or self.wanted is None:
            return
        self._followed = abs(feedback - self.wanted) <= TOLERANCE
        if self._followed:
            self._mismatches = 0
            self._contradicted = False
            self._wait_s = RETRY_FIRST_S
        else:
            self._mismatches += 1
            self._contradicted = self._contradicted or self._mismatches >= MISMATCHES

    def missed(self, failure: Failure) -> None:
        """The node did not answer a poll."""
        self._missed += 1
        self.failure = failure
