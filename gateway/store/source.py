"""The link's sender takes the hub's rows from here as an edge's sender does from its outbox."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, Self, TypeVar

from gateway.epochs import Epochs
from gateway.model import Lane
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.outgoing import Queue

R = TypeVar("R")


class OutgoingRows(Generic[R]):
    """One queue of the database, as a source of rows; enter it inside the database.

    `row` makes what the sender calls a row of lane, seq, kind and items: the store does not know
    the link. Everything here raises StoreError.
    """

    def __init__(
        self, database: Database, queue: Queue, row: Callable[[Lane, int, str, bytes], R]
    ) -> None:
        self.changed = asyncio.Event()
        """Set after each append's commit; for its one waiter to clear."""
        self._database = database
        self._queue = queue
        self._row = row
        self._epochs: Epochs
        self._open = ExitStack()

    async def __aenter__(self) -> Self:
        self._epochs = await self._database.write(outgoing.begin_epoch, self._queue)
        self._open.enter_context(self._database.outgoing_told(self._told))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def epochs(self) -> Epochs:
        """Those of its rows, and the newest, in which it writes: begun when this was entered."""
        return self._epochs

    async def read(self, lane: Lane, *, after: int, limit: int) -> list[R]:
        """Up to `limit` rows of `lane` with a seq above `after`, in order."""
        held = await self._database.read(
            outgoing.rows, self._queue, lane=lane, after=after, limit=limit
        )
        return [self._row(*one) for one in held]

    async def first(self, lane: Lane) -> int:
        """The lowest seq still held, or the next."""
        return await self._database.read(outgoing.first, self._queue, lane)

    async def delete(self, lane: Lane, mark: int) -> None:
        """The receiver has the rows up to `mark`."""
        await self._database.write(outgoing.delete_through, self._queue, lane=lane, mark=mark)

    def _told(self, queue: Queue) -> None:
        if queue == self._queue:
            self.changed.set()
