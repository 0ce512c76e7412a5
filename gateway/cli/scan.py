"""`machimori scan`: live, what the receivers of this machine hear, for the technician at the pole.

The gateway's service may run: BlueZ serves several programs, and the adapters' power is left alone.
"""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping
from typing import Annotated, Any

import msgspec
import structlog
import typer
from rich.console import Console, Group
from rich.live import Live

from gateway.cli.options import ConfigFile
from gateway.cli.scan_table import MOST_ROWS, ScanTable
from gateway.link.broker import Broker
from gateway.link.topics import Message
from gateway.model import AdapterStatus, ReceiverSource, UnusableError
from gateway.settings import Settings, SettingsError, load_settings
from gateway.site import SiteError, load_site
from gateway.store import heard_eids, people
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.tags.remote import RemoteReceivers
from gateway.tags.reported import Heard
from gateway.tags.scan import Scanner

REFRESH_S = 0.5
REGISTRY_EVERY_S = 10.0
ROWS_BESIDE = 8  # lines of a terminal that the table's rows do not have


class ScanError(UnusableError):
    """There is nothing to scan with; the message says what to do."""


def scan(
    *,
    config: ConfigFile,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; by Ctrl-C where not given.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="No table: one summary at the end, as JSON.")
    ] = False,
    strangers: Annotated[
        bool, typer.Option("--all", help="Show also what is not registered.")
    ] = False,
) -> None:
    """Watch live who is heard, by the adapters here and the remote receivers of the site.

    Tags are shown by their ids where the hub's database is on this machine.
    """
    settings = load_settings(config)
    watch = Watch(settings, ScanTable(monotonic=time.monotonic, strangers=strangers))
    with _quiet(), contextlib.suppress(KeyboardInterrupt):
        if as_json:
            asyncio.run(watch.run(seconds))
        else:
            console = Console(stderr=not sys.stdout.isatty())
            asyncio.run(watch.show(console, seconds))
    if as_json:
        typer.echo(msgspec.json.encode(watch.summary()).decode())


class Watch:
    """The receivers of `settings`, into `table`. Raises ScanError where there are none."""

    def __init__(self, settings: Settings, table: ScanTable) -> None:
        self.table = table
        self.remarks: list[str] = []
        self._settings = settings
        self._scanner = Scanner(
            settings.edge.adapters, table.advert, utc=time.time, power_cycle=False
        )
        self._adapters: Mapping[str, AdapterStatus] = {}
        self._remote = RemoteReceivers(self._sources())
        self._broker = Broker(settings=settings.broker, name="scan")
        if not settings.edge.adapters and not self._remote.topic_filters():
            raise ScanError(
                "There is nothing to listen with. Name an adapter in [edge.adapters], as "
                'hci0 = "pole-1", or give a receiver of the site its format and topic.'
            )

    async def run(self, seconds: float | None) -> None:
        """Listen for so long, or for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for name, part in self._parts().items():
                    group.create_task(part, name=name)

    async def show(self, console: Console, seconds: float | None) -> None:
        """`run`, with the live table."""
        with Live(console=console, auto_refresh=False, screen=False) as live:
            try:
                async with asyncio.TaskGroup() as group:
                    table = group.create_task(self._refresh(live), name="table")
                    await self.run(seconds)
                    table.cancel()
            finally:
                live.update(self._drawn(console), refresh=True)

    def summary(self) -> dict[str, Any]:
        """What was heard, for programs."""
        return self.table.summary(self._adapters) | {"remarks": self.remarks}

    async def _refresh(self, live: Live) -> None:
        while True:
            live.update(self._drawn(live.console), refresh=True)
            await asyncio.sleep(REFRESH_S)

    def _drawn(self, console: Console) -> Group:
        rows = max(console.height - ROWS_BESIDE, 1) if console.is_terminal else MOST_ROWS
        remarks = list(self.remarks)
        if self._remote.topic_filters() and not self._broker.connected:
            broker = self._settings.broker
            remarks.append(f"No connection to the broker {broker.host}:{broker.port} as yet.")
        return self.table.drawn(self._adapters.values(), remarks=remarks, most=rows)

    def _parts(self) -> dict[str, Coroutine[Any, Any, None]]:
        parts = {"scan": self._scanner.run(), "state": self._look(), "registry": self._know()}
        if self._remote.topic_filters():
            parts["broker"] = self._listen()
        return parts

    def _sources(self) -> tuple[ReceiverSource, ...]:
        """The remote receivers of the site; none where it cannot be read, which is said."""
        try:
            site = load_site(self._settings.site)
        except SiteError as error:
            self.remarks.append(f"No remote receivers: {error}")
            return ()
        return tuple(one.source for one in site.receivers if one.source is not None)

    async def _look(self) -> None:
        """Keep how the adapters are: at the end of the scan nothing scans any more."""
        while True:
            self._adapters = self._scanner.statuses()
            await asyncio.sleep(REFRESH_S)

    async def _listen(self) -> None:
        """The remote receivers, over the broker."""
        await self._broker.subscribe_all(self._remote.topic_filters(), self.message)
        try:
            await self._broker.run()
        except SettingsError as error:
            self.remarks.append(f"No remote receivers: {error}")

    def message(self, message: Message) -> None:
        """One message of a remote receiver."""
        report = self._remote.parse(
            message.topic, message.payload, time.time(), retained=message.retained
        )
        if isinstance(report, Heard):
            self.table.advert(report.advert, report.values)

    async def _know(self) -> None:
        """Whose identifiers are, as long as the hub's database is here."""
        path = self._settings.state_path(self._settings.hub.database)
        if not path.exists():
            return
        try:
            async with Database(path, owner=False) as database:
                while True:
                    self.table.know(await database.read(_tag_of))
                    await asyncio.sleep(REGISTRY_EVERY_S)
        except StoreError as error:
            self.remarks.append(str(error))


def _tag_of(connection: Connection) -> Mapping[str, str]:
    """Fixed identifiers, buttons, and the rotating ones that the hub has heard."""
    known = (*heard_eids.identifiers(connection), *people.identifiers(connection))
    return {one.identifier: one.tag for one in known}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The table itself says what is wrong: within, only errors are logged, and not into it."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
