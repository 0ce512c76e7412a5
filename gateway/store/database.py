"""The file, its one writer and its readers: `async with Database(path)`.

Store functions are plain functions on a Connection; this module is the only one with threads.
Every queue here is as long as its callers are many: each of them awaits its answer.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from gateway.store import checking, outgoing
from gateway.store.driver import driver_of
from gateway.store.errors import (
    BrokenStoreError,
    DamagedError,
    StoreError,
    explained,
    is_damage,
)
from gateway.store.locks import held, of_service
from gateway.store.migrate import migrate
from gateway.store.wal import LONGEST_WAL_BYTES, Checkpoints

__all__ = ["Connection", "Database", "StoreError"]

READERS = 3
BUSY_TIMEOUT_S = 5.0
GROUP_MAX = 64  # writes that share one commit, and so one fsync
_IN_USE = (
    "{}: another hub works on it. Stop that one (systemctl status), or give this one a state_dir "
    "of its own."
)

P = ParamSpec("P")
T = TypeVar("T")


class _Write:
    """One queued write: its call, and what came of it."""

    def __init__(self, call: Callable[[Connection], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """Call in a savepoint, unless it spoils the whole transaction: see `spoils`."""
        connection.exec_driver_sql("SAVEPOINT one_write")
        with self:
            self.result = self.call(connection)
        if not self.spoils(connection):
            if self.error is not None:
                connection.exec_driver_sql("ROLLBACK TO one_write")
            connection.exec_driver_sql("RELEASE one_write")

    def spoils(self, connection: Connection) -> bool:
        """Whether nothing can be committed with this: SQLite ended the transaction (a full disk),
        or would refuse to commit it (a damaged page)."""
        damage = self.error is not None and is_damage(self.error)
        return damage or not driver_of(connection.connection).in_transaction

    def settle(self) -> None:
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)

    def __enter__(self) -> None:
        self.error = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        """Whatever the call raised belongs to the one who awaits it, not to this thread."""
        self.error = error
        return error is not None


class Database:
    """The hub's database file; enter it to open, to check and to migrate it.

    `owner` is the service that the file belongs to: there may be one. It checks what it cannot do
    without when it opens it, and copies the WAL back. The command line opens the file beside
    it as a guest (`owner=False`). Everything here raises StoreError where file, disk or lock fail;
    opening raises BrokenStoreError where only a person can mend it.
    """

    def __init__(
        self, path: Path, *, owner: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> None:
        self.path = path
        self.damaged = asyncio.Event()
        """Set when a read or a write met a damaged page; for its one waiter to clear."""
        self.left_open = False
        """Whether whoever had the file before ended without closing it."""
        self._owner = owner
        self._busy_timeout_s = busy_timeout_s
        self._queued: deque[_Write] = deque()
        self._listeners: list[Callable[[outgoing.Queue], None]] = []
        self._open = ExitStack()
        self._write_connection: Connection
        self._checkpoints: Checkpoints | None = None
        self._read_engine: Engine
        self._writer: ThreadPoolExecutor
        self._readers: ThreadPoolExecutor
        self._loop: asyncio.AbstractEventLoop

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._writer = ThreadPoolExecutor(1, "store-write")
        self._readers = ThreadPoolExecutor(READERS, "store-read")
        async with AsyncExitStack() as undo:
            undo.push_async_exit(self.__aexit__)
            await self._loop.run_in_executor(self._writer, self._acquire)
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._loop.run_in_executor(self._writer, self._release)
        self._writer.shutdown()

    async def write(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`call(connection, …)` in a transaction, durable when this returns.

        Writes that wait at the same time share a commit, each in its own savepoint: what one
        raises undoes only its own. A caller that is cancelled before its turn writes nothing.
        """
        job = _Write(lambda connection: call(connection, *args, **kwargs))
        self._queued.append(job)
        self._writer.submit(self._drain)
        result: T = await asyncio.wrap_future(job.future)
        return result

    async def read(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`call(connection, …)` on one unchanging view of the database; it cannot write."""
        return await self._loop.run_in_executor(
            self._readers, partial(self._read, lambda connection: call(connection, *args, **kwargs))
        )

    @contextmanager
    def outgoing_told(self, listener: Callable[[outgoing.Queue], None]) -> Iterator[None]:
        """Inside, `listener(queue)` runs on the loop after each commit that gave `queue` a row."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    # --- in the threads ---------------------------------------------------------------------------

    def _acquire(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._owner:  # two hubs on one database would both step the site
                self._open.enter_context(
                    held(of_service(self.path), else_say=_IN_USE.format(self.path))
                )
            self.left_open = checking.was_left_open(self.path)
            engine = self._engine("BEGIN IMMEDIATE")
            self._read_engine = self._engine("BEGIN", read_only=True)
            self._write_connection = self._open.enter_context(engine.connect())
            if self._owner:
                self._check()
                self._keep_wal_short(engine)
            with self._write_connection.begin():
                migrate(self._write_connection, self.path)
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot be opened ({error.strerror}). See that the service's user "
                "may write in its folder."
            ) from error
        except (DBAPIError, sqlite3.Error) as error:
            told = explained(self.path, error)
            raise BrokenStoreError(str(told)) if isinstance(told, DamagedError) else told from error

    def _release(self) -> None:
        """After every queued write: this runs on the writer's thread, too."""
        self._readers.shutdown()
        self._open.close()

    def _engine(self, begin: str, *, read_only: bool = False) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}",
            connect_args={"check_same_thread": False, "timeout": self._busy_timeout_s},
            pool_size=READERS,
            max_overflow=0,
            hide_parameters=True,  # an error that is logged must not tell names and places
        )
        self._open.callback(engine.dispose)

        @event.listens_for(engine, "connect")
        def prepare(connection: DBAPIConnection, _: object) -> None:
            # sqlite3 would begin transactions late, at the first write; we say when and how.
            connection.isolation_level = None
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                f"journal_size_limit={LONGEST_WAL_BYTES}",
                "foreign_keys=ON",
                f"query_only={'ON' if read_only else 'OFF'}",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _check(self) -> None:
        """What the service cannot do without; the large tables are looked through beside it."""
        found = checking.vital_damage(driver_of(self._write_connection.connection))
        if found:
            raise BrokenStoreError(
                f"{self.path}: is damaged ({found}). Put back a backup (machimori restore FILE), "
                "which keeps this file aside, and check the disk."
            )

    def _keep_wal_short(self, engine: Engine) -> None:
        own = driver_of(self._write_connection.connection)
        own.execute("PRAGMA wal_autocheckpoint = 0")
        beside = self._open.enter_context(closing(engine.raw_connection()))
        checkpoints = Checkpoints(
            self.path, driver_of(beside), writers_own=own, at_the_writer=self._writer.submit
        )
        self._checkpoints = self._open.enter_context(closing(checkpoints))

    def _drain(self) -> None:
        jobs: list[_Write] = []
        while self._queued and len(jobs) < GROUP_MAX:
            job = self._queued.popleft()
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
        if jobs:
            try:
                self._commit(jobs)
            except BaseException as error:
                for job in jobs:  # none of them is known to be committed
                    job.error = job.error or error
                raise
            finally:
                for job in jobs:
                    job.settle()
                if self._checkpoints is not None:
                    self._checkpoints.committed()

    def _commit(self, jobs: list[_Write]) -> None:
        """Run `jobs` in one transaction; where it cannot be committed, all of them have failed.

        One may spoil the whole transaction (on a full disk, the one that needs room): it has
        failed, and the others are run again without it.
        """
        connection = self._write_connection
        culprit: _Write | None = None
        failure: BaseException | None = None
        try:
            with connection.begin() as transaction:
                for job in jobs:
                    job.run(connection)
                    if job.spoils(connection):
                        culprit = job
                        transaction.rollback()
                        break
        except DBAPIError as error:
            failure = error
        if culprit is not None:
            culprit.error = self._told(culprit.error)
            self._commit([job for job in jobs if job is not culprit])
            return
        for job in jobs:
            job.error = self._told(job.error or failure)
        if failure is None:
            self._tell(connection)

    def _told(self, error: BaseException | None) -> BaseException | None:
        return self._explained(error) if isinstance(error, DBAPIError) else error

    def _explained(self, error: DBAPIError | sqlite3.Error) -> Exception:
        told = explained(self.path, error)
        if isinstance(told, DamagedError):
            self._loop.call_soon_threadsafe(self.damaged.set)
        return told

    def _tell(self, connection: Connection) -> None:
        for queue in outgoing.touched(connection):
            for listener in self._listeners:
                self._loop.call_soon_threadsafe(listener, queue)

    def _read(self, call: Callable[[Connection], T]) -> T:
        try:
            with self._read_engine.connect() as connection:
                return call(connection)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._explained(error) from error
