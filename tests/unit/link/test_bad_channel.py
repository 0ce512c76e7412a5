"""Sender and receiver together, through whatever a channel and a power cut can do.

Nothing lost without a gap, nothing twice, order kept per lane, and no deadlock.
"""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.model import Lane
from tests.unit.link.world import FileRows, MemoryRows, World

LANES = st.sampled_from(list(Lane))
PICK = st.integers(min_value=0, max_value=10_000)


class _BadChannel(RuleBasedStateMachine):
    """The rules; the variants below choose the parts."""

    world: World

    def new_world(self) -> World:
        raise NotImplementedError

    @initialize(rows=st.lists(LANES, min_size=1, max_size=90), good=st.booleans())
    def begin(self, rows: list[Lane], *, good: bool) -> None:
        self.world = self.new_world()
        for lane in rows:
            self.world.append(lane)
        if good:
            self.world.good_second()

    @rule(lane=LANES, count=st.integers(min_value=1, max_value=90))
    def append(self, lane: Lane, count: int) -> None:
        for _ in range(count):
            self.world.append(lane)

    @rule()
    def pump(self) -> None:
        self.world.pump()

    @rule(lanes=st.lists(LANES, min_size=1, max_size=6), receipts=st.booleans())
    def much_happens_while_the_source_is_read(self, lanes: list[Lane], *, receipts: bool) -> None:
        coming = iter(lanes)

        def happen() -> None:
            for lane in coming:
                self.world.append(lane)
                break
            if receipts and self.world.receipts:
                self.world.take_receipt(self.world.receipts.pop(0))

        self.world.pump(while_reading=happen)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.up)
    @rule(count=st.integers(min_value=1, max_value=80))
    def deliver_rows_in_order(self, count: int) -> None:
        for _ in range(min(count, len(self.world.up))):
            self.world.take_row(self.world.up.pop(0))

    @precondition(lambda self: self.world.up)
    @rule(pick=PICK, keep=st.booleans())
    def deliver_any_row(self, pick: int, *, keep: bool) -> None:
        """Reordered; and where it is kept, duplicated."""
        index = pick % len(self.world.up)
        self.world.take_row(self.world.up[index])
        if not keep:
            del self.world.up[index]

    @precondition(lambda self: self.world.up)
    @rule(pick=PICK, count=st.integers(min_value=1, max_value=70))
    def lose_rows(self, pick: int, count: int) -> None:
        index = pick % len(self.world.up)
        del self.world.up[index : index + count]

    @rule(seconds=st.integers(min_value=1, max_value=4))
    def all_goes_well(self, seconds: int) -> None:
        """So that the other rules meet a sender and receiver that have come some way."""
        for _ in range(seconds):
            self.world.good_second()

    @rule(pick=PICK, count=st.integers(min_value=1, max_value=70), receipts=st.booleans())
    def some_is_lost(self, pick: int, count: int, *, receipts: bool) -> None:
        """A second that goes well but for some rows, or for all of its receipts."""
        self.world.pump()
        if not receipts and self.world.up:
            index = pick % len(self.world.up)
            del self.world.up[index : index + count]
        self.world.deliver_all_rows()
        self.world.commit()
        if receipts:
            self.world.receipts.clear()

    @rule()
    def commit(self) -> None:
        self.world.commit()

    @rule()
    def fail_to_commit(self) -> None:
        self.world.fail_commit()

    @precondition(lambda self: self.world.receipts)
    @rule(pick=PICK, keep=st.booleans())
    def deliver_any_receipt(self, pick: int, *, keep: bool) -> None:
        index = pick % len(self.world.receipts)
        self.world.take_receipt(self.world.receipts[index])
        if not keep:
            del self.world.receipts[index]

    @precondition(lambda self: self.world.receipts)
    @rule(pick=PICK)
    def lose_receipt(self, pick: int) -> None:
        del self.world.receipts[pick % len(self.world.receipts)]

    @rule()
    def drop_oldest_rows(self) -> None:
        self.world.rows.drop_oldest()

    @rule()
    def kill_sender(self) -> None:
        self.world.kill_sender()

    @rule()
    def remember_sender(self) -> None:
        self.world.remember_sender()

    @rule()
    def sender_goes_back(self) -> None:
        self.world.sender_goes_back()

    @rule()
    def damage_sender(self) -> None:
        self.world.damage_sender()

    @rule()
    def kill_receiver(self) -> None:
        self.world.kill_receiver()

    @rule()
    def lose_connection(self) -> None:
        self.world.lose_connection()

    @rule()
    def connect(self) -> None:
        self.world.connect()

    @rule(online=st.booleans(), instance=st.sampled_from(["a", "b"]))
    def see_receiver_status(self, *, online: bool, instance: str) -> None:
        self.world.see_receiver(online=online, instance=instance)

    @invariant()
    def what_came_is_right(self) -> None:
        self.world.check_what_came()

    def teardown(self) -> None:
        self.world.drain()
        self.world.check_what_came()
        self.world.check_complete()


class DurableReceiver(_BadChannel):
    """The hub: marks and rows in one transaction."""

    def new_world(self) -> World:
        return World(MemoryRows())


class RestoredReceiver(DurableReceiver):
    """A hub whose database is now and then put back to an old backup."""

    @rule()
    def back_up(self) -> None:
        self.world.backup = self.world.store.copy()

    @rule()
    def restore(self) -> None:
        self.world.restore_receiver()

    def teardown(self) -> None:
        """What it has forgotten, a restored receiver learns from the next row of the lane."""
        for lane in Lane:
            self.world.append(lane)
        super().teardown()


class StatelessReceiver(_BadChannel):
    """The sink: it forgets its marks at each restart, and repeats are harmless to it."""

    def new_world(self) -> World:
        return World(MemoryRows(), durable=False)


class RealOutbox(_BadChannel):
    """The SQLite file as the source, full after some twenty rows."""

    def new_world(self) -> World:
        self._folder = tempfile.TemporaryDirectory()
        self._rows = FileRows(Path(self._folder.name) / "outbox.sqlite")
        return World(self._rows)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._rows.close()
            self._folder.cleanup()


_MANY = settings(max_examples=150, stateful_step_count=40, deadline=None)
_FEW = settings(max_examples=15, stateful_step_count=40, deadline=None)

TestDurableReceiver = DurableReceiver.TestCase
TestDurableReceiver.settings = _MANY
TestRestoredReceiver = RestoredReceiver.TestCase
TestRestoredReceiver.settings = _MANY
TestStatelessReceiver = StatelessReceiver.TestCase
TestStatelessReceiver.settings = _MANY
TestRealOutbox = RealOutbox.TestCase
TestRealOutbox.settings = _FEW
