"""A million items of an outage are drained while people are heard, press, and look at the map.

Broker, hub and edge are processes. The outbox holds a backlog of seconds with 100 readings each, of
tags that the hub knows; beside it the edge hears on, tags are pressed among strangers, and a
guardian asks for the tags. Everything is measured only while backlog is left.
"""

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import httpx
import numpy as np

from gateway.cli.tag import NewTag, register
from gateway.link.envelope import (
    Envelope,
    Kind,
    Receipt,
    decode_envelope,
    decode_items,
    decode_receipt,
)
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.model import CarrierKind, Lane, Window
from gateway.sealing import SealingKey
from gateway.store.database import Database
from tests.bench.figure import Figure
from tests.bench.link import ITEMS_A_ROW, identifier_of, second_of
from tests.system.rig import LOGIN, PASSWORD
from tests.system.siren import Sirens, rig_of, sirens

ROWS = 10_000  # a million items
KNOWN_TAGS = 100
PRESSES, EVERY_S, STRANGERS_PER_S = 100, 0.12, 100.0
LOOK_EVERY_S = 0.2
WITHIN_S = 400.0
LIVE_LIMIT_MS, SOS_LIMIT_MS, API_LIMIT_MS = 1_000.0, 300.0, 1_000.0
APPENDED_AT_ONCE = 1_000


def measure() -> Sequence[Figure]:
    """Speed of the drain, and 99 % of what the others had to wait meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


@dataclass
class Watcher:
    """Sees what passes at the broker: each live row, and the receipts.

    `live_s` are the times from the end of a row's second to its receipt, `rows` the rows of the
    backlog that were receipted, from `first_rows` on in `spent_s`.
    """

    live_s: list[float] = field(default_factory=list)
    rows: int = 0
    first_rows: int = 0
    spent_s: float = 0.0
    drained_at: float = math.inf
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: float = 0.0
    _flying: dict[tuple[str, int], float] = field(default_factory=dict)

    async def watch(self, port: int) -> None:
        """Until cancelled."""
        async with aiomqtt.Client("127.0.0.1", port) as client:
            for topic in ("up/live", "up/receipt"):
                await client.subscribe(f"machimori/v1/test/gw/+/{topic}")
            async for message in client.messages:
                payload = bytes(message.payload)
                if message.topic.value.endswith("live"):
                    self._sent(decode_envelope(payload))
                else:
                    self._receipted(decode_receipt(payload))

    def _sent(self, envelope: object) -> None:
        if isinstance(envelope, Envelope) and envelope.kind == Kind.SIGHTINGS:
            items = decode_items(envelope)
            if isinstance(items, list) and isinstance(items[0], Window):
                self._flying[envelope.epoch, envelope.seq] = items[0].second + 1.0

    def _receipted(self, receipt: object) -> None:
        if not isinstance(receipt, Receipt):
            return
        now = time.time()
        if receipt.lane is Lane.BACKLOG and receipt.mark > self.rows:
            if not self.rows:
                self.first_rows, self._begun = receipt.mark, now
            self.rows, self.spent_s = receipt.mark, now - self._begun
            if self.rows == ROWS:
                self.drained_at = now
                self.drained.set()
        if receipt.lane is Lane.LIVE:
            for epoch, seq in list(self._flying):
                if epoch == receipt.epoch and seq <= receipt.mark:
                    self._came(self._flying.pop((epoch, seq)), now)
        if not any(ended < self.drained_at for ended in self._flying.values()):
            self.settled.set()

    def _came(self, ended: float, now: float) -> None:
        """A live row that ended beside the draining counts, however long it then waited."""
        if ended < self.drained_at:
            self.live_s.append(now - ended)


async def _measure(folder: Path) -> Sequence[Figure]:
    async with rig_of(folder / "rig") as rig:
        crowd, watcher = sirens(rig, PRESSES), Watcher()
        key = await crowd.register()
        await _register_tags(rig.database, key)
        await _fill(rig.outbox)
        looks_s: list[float] = []
        await crowd.start()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watcher.watch(rig.mqtt_port), name="watcher")
            tasks.create_task(_look(rig.url, looks_s, watcher), name="guardian")
            await crowd.cry(every_s=EVERY_S, strangers_per_s=STRANGERS_PER_S)
            async with asyncio.timeout(WITHIN_S):
                await watcher.drained.wait()
                watcher.settled.clear()
                await watcher.settled.wait()
            watching.cancel()
        return _figures(crowd, watcher, looks_s)


async def _register_tags(file: Path, key: SealingKey) -> None:
    async with Database(file) as database:
        for number in range(KNOWN_TAGS):
            named = (identifier_of(number),)
            tag = NewTag(f"carrier n{number}", CarrierKind.CHILD, named, (LOGIN,), LOGIN)
            await register(database, tag, at=time.time(), key=key)


async def _fill(file: Path) -> None:
    """Seconds that ended an hour ago."""
    since = int(time.time()) - 3_600 - ROWS
    async with Outbox(file, max_bytes=4_000_000_000) as outbox:
        for first in range(since, since + ROWS, APPENDED_AT_ONCE):
            some = range(first, min(first + APPENDED_AT_ONCE, since + ROWS))
            rows = (
                Append(Lane.BACKLOG, Kind.SIGHTINGS, second_of(at), float(at), at + 1.0)
                for at in some
            )
            await asyncio.gather(*map(outbox.append_encoded, rows))


async def _look(url: str, took_s: list[float], watcher: Watcher) -> None:
    """A guardian's page, again and again, until all is drained."""
    base = f"{url}/api/v1"
    async with httpx.AsyncClient(
        base_url=base, trust_env=False, headers={"X-Machimori": "1"}, timeout=30
    ) as client:
        (
            await client.post("/session", json={"login": LOGIN, "password": PASSWORD})
        ).raise_for_status()
        while not watcher.drained.is_set():
            begun = time.perf_counter()
            (await client.get("/carriers")).raise_for_status()
            took_s.append(time.perf_counter() - begun)
            await asyncio.sleep(LOOK_EVERY_S)


def _figures(crowd: Sirens, watcher: Watcher, looks_s: Sequence[float]) -> Sequence[Figure]:
    delays_s = crowd.delays_s()
    if len(delays_s) < PRESSES:
        sys.exit(f"of {PRESSES} presses only {len(delays_s)} became an alert")
    beside = [tag.number for tag in crowd.tags if tag.pressed_at < watcher.drained_at]
    sos_s = [delays_s[number] for number in beside]
    items_per_s = (watcher.rows - watcher.first_rows) * ITEMS_A_ROW / watcher.spent_s
    return [
        Figure("drain: items of a million", items_per_s, "1/s"),
        _percentile("drain: live rows, second's end to receipt", watcher.live_s, LIVE_LIMIT_MS),
        _percentile("drain: SOS to alert", sos_s, SOS_LIMIT_MS),
        _percentile("drain: a guardian's carriers by the API", looks_s, API_LIMIT_MS),
    ]


def _percentile(name: str, times_s: Sequence[float], limit_ms: float) -> Figure:
    p99_ms = 1_000 * float(np.quantile(times_s, 0.99))
    return Figure(f"{name}: 99 % of {len(times_s)}", p99_ms, "ms", "limit", limit_ms)
