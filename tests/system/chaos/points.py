"""Named points in the product at which a process can be made to die.

`role.py` wraps them; nothing of this is in the product. A point is armed by a file with its name
(`<point>`, or `<point> <n>`: at its n-th passage); who passes it sends SIGKILL to itself.
"""

import functools
import importlib
import inspect
import os
import signal
import sqlite3
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple

from gateway.model import Role


class Moment(Enum):
    """When a call passes its point."""

    BEFORE = auto()
    AFTER = auto()


class Point(NamedTuple):
    """A call of the product, `module:Class.method`; of a publish, only to topics with `topic`."""

    name: str
    role: Role
    call: str
    moment: Moment
    topic: str = ""


_PUBLISH = "gateway.link.broker:Broker.publish"
_APPEND = "gateway.link.outbox_file:OutboxFile.transact"
_ACCEPT = "gateway.app.intake:Intake.commit"
_WRITE = "gateway.store.database:Database.write"
_INFLUX = "gateway.outputs.influx:InfluxWriter.write"
SQL_COMMIT = "COMMIT"  # of SQLite: all of a transaction is done but this

POINTS = (
    Point("edge before the outbox's transaction", Role.EDGE, _APPEND, Moment.BEFORE),
    Point("edge before the outbox's COMMIT", Role.EDGE, SQL_COMMIT, Moment.BEFORE),
    Point("edge after the outbox's commit", Role.EDGE, _APPEND, Moment.AFTER),
    Point("edge before a row is published", Role.EDGE, _PUBLISH, Moment.BEFORE, "/up/"),
    Point("edge after a row's PUBACK", Role.EDGE, _PUBLISH, Moment.AFTER, "/up/"),
    Point(
        "edge when a receipt comes", Role.EDGE, "gateway.link.sender:Sender.receipt", Moment.BEFORE
    ),
    Point("hub before it takes rows", Role.HUB, _ACCEPT, Moment.BEFORE),
    Point("hub before a COMMIT", Role.HUB, SQL_COMMIT, Moment.BEFORE),
    Point("hub after a commit", Role.HUB, _WRITE, Moment.AFTER),
    Point("hub after it took rows", Role.HUB, _ACCEPT, Moment.AFTER),
    Point("hub before a receipt", Role.HUB, _PUBLISH, Moment.BEFORE, "/up/receipt"),
    Point("hub after a receipt's PUBACK", Role.HUB, _PUBLISH, Moment.AFTER, "/up/receipt"),
    Point("hub before a row is published", Role.HUB, _PUBLISH, Moment.BEFORE, "/out/"),
    Point("hub after a row's PUBACK", Role.HUB, _PUBLISH, Moment.AFTER, "/out/"),
    Point("sink before InfluxDB's write", Role.SINK, _INFLUX, Moment.BEFORE),
    Point("sink after InfluxDB's write", Role.SINK, _INFLUX, Moment.AFTER),
    Point("sink before a receipt", Role.SINK, _PUBLISH, Moment.BEFORE, "/out/receipt"),
    Point("sink after a receipt's PUBACK", Role.SINK, _PUBLISH, Moment.AFTER, "/out/receipt"),
)


class Trigger:
    """The file that arms one process: looked at whenever a point is passed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._armed = (0, "")
        self._left = 0

    def passed(self, point: str) -> None:
        """Die if it is armed for `point`; the file is then called `….struck`."""
        try:
            with self._file.open(encoding="utf-8") as file:
                armed = (os.fstat(file.fileno()).st_mtime_ns, file.read())
        except FileNotFoundError:
            return
        name, _, count = armed[1].strip().rpartition(" ")
        if not count.isdecimal():
            name, count = armed[1].strip(), "1"
        if name != point:
            return
        if armed != self._armed:
            self._armed, self._left = armed, int(count)
        self._left -= 1
        if self._left <= 0:
            self._file.rename(f"{self._file}.struck")
            os.kill(os.getpid(), signal.SIGKILL)


def wrap(role: Role, trigger: Trigger) -> None:
    """Put the points of `role` into the product as it is loaded in this process."""
    for point in POINTS:
        if point.role is not role:
            continue
        if point.call == SQL_COMMIT:
            _watch_commits(role, functools.partial(trigger.passed, point.name))
        else:
            replace(point.call, functools.partial(_at, point, trigger))


def replace(call: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `by(method)` in the place of the method that `call` names."""
    module, path = call.split(":")
    owner_name, method = path.split(".")
    owner = getattr(importlib.import_module(module), owner_name)
    setattr(owner, method, by(getattr(owner, method)))


def _at(point: Point, trigger: Trigger, method: Callable[..., Any]) -> Callable[..., Any]:
    def passes(when: Moment, arguments: tuple[Any, ...]) -> None:
        if point.moment is when and (not point.topic or point.topic in arguments[1]):
            trigger.passed(point.name)

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        passes(Moment.BEFORE, arguments)
        result = method(*arguments, **named)
        passes(Moment.AFTER, arguments)
        return result

    @functools.wraps(method)
    async def await_call(*arguments: Any, **named: Any) -> Any:
        passes(Moment.BEFORE, arguments)
        waiting: Coroutine[Any, Any, Any] = method(*arguments, **named)
        result = await waiting
        passes(Moment.AFTER, arguments)
        return result

    return await_call if inspect.iscoroutinefunction(method) else call


def _watch_commits(role: Role, passed: Callable[[], None]) -> None:
    """Of the edge's outbox, or of the hub's database: each on its own way to SQLite."""
    if role is Role.HUB:
        from sqlalchemy import Engine, event

        event.listen(Engine, "commit", lambda _connection: passed())
        return
    connect = sqlite3.connect

    def watched(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)
        connection.set_trace_callback(lambda sql: passed() if sql == SQL_COMMIT else None)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment] # only in this process
