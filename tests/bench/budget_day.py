"""A day of a town as the receivers of one edge publish it, and an edge that takes it in.

Of every half hour some seconds are simulated; they are played again and again until the next. Half
of the tags are native, so that identifiers rotate; the others are iBeacons and Eddystone-UIDs.
Phones that nobody follows are heard too, each under an address of its own.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from firmware_sim.firmware import BUTTON
from firmware_sim.firmware_fleet import natives
from firmware_sim.firmware_frames import NAMESPACE, SITE_UUID
from firmware_sim.nodes import make_node
from firmware_sim.people import People, populate
from firmware_sim.radio import Emission, Ints, Radio
from firmware_sim.site import Site, read_site
from firmware_sim.tags import RESTS_AFTER_S, Advertiser, make_tag

from gateway.app.edge_rows import RowStore
from gateway.app.hearing import Hearing
from gateway.clock import NO_SETTING, ClockSetting
from gateway.link.topics import Message
from gateway.model import EdgeOrders, Lane, ReceiverSource
from tests.needs import ROOT

CARRIERS, NATIVE, SEED = 300, 0.5, 7
MIDNIGHT = 1_799_938_800.0  # of a day in Japan
DAY_S, BLOCK_S, PATTERN_S = 86_400, 1_800, 10
PHONES_PER_S, HEARINGS_OF_A_PHONE, RECEIVERS_OF_A_PHONE = 5, 20, 4
CLOSING_DELAY_S = 0.25  # as the edge's
ALLOW = (f"ibeacon:{SITE_UUID}", f"uid:{NAMESPACE}", "eid", "bthome")


def record(file: Path, *, receivers: int, wall_db: float) -> None:
    """Simulate the day at the `receivers` nearest to the middle of the town, into `file`.

    First a line with them, then one for each second that was simulated.
    """
    site = _part_of(read_site(ROOT / "config" / "site.geojson"), receivers)
    town = _Town(site, wall_db=wall_db)
    with file.open("w", encoding="utf-8") as lines:
        sources = [(node.id, node.format, node.topic) for node in site.nodes]
        lines.write(json.dumps(sources) + "\n")
        for block in range(0, DAY_S, BLOCK_S):
            for said in town.seconds(MIDNIGHT + block, PATTERN_S):
                lines.write(json.dumps(said) + "\n")


class Day:
    """Reads what `record` wrote, a second at a time: an edge's memory is to be its own."""

    def __init__(self, file: Path) -> None:
        self._lines = file.open("rb")
        self._receivers: list[tuple[str, str, str]] = json.loads(self._lines.readline())
        self._starts = [self._lines.tell()]
        while self._lines.readline():
            self._starts.append(self._lines.tell())

    @property
    def orders(self) -> EdgeOrders:
        """Whom to listen to, and for whom."""
        sources = tuple(ReceiverSource(*one) for one in self._receivers)
        return EdgeOrders(receivers=sources, buttons=(), allow=ALLOW)

    def messages(self, second: int) -> Iterator[Message]:
        """What the receivers say in that second from midnight on."""
        block, into = divmod(second % DAY_S, BLOCK_S)
        self._lines.seek(self._starts[block * PATTERN_S + into % PATTERN_S])
        for topic, payload in json.loads(self._lines.readline()):
            yield Message(topic, payload.encode(), retained=False)
        for number in range(second * PHONES_PER_S, (second + 1) * PHONES_PER_S):
            yield self._phone(number)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _phone(self, number: int) -> Message:
        phone = number // HEARINGS_OF_A_PHONE
        address = (0xC00000000000 + phone).to_bytes(6, "big")
        near = 7 * phone + number % RECEIVERS_OF_A_PHONE
        topic = self._receivers[near % len(self._receivers)][2]
        data = f"4c001005{number:010x}"
        said = {"id": address.hex(":").upper(), "rssi": -80, "manufacturerdata": data}
        body = json.dumps(said).encode()
        return Message(f"{topic}/BTtoMQTT/{address.hex().upper()}", body, retained=False)


@dataclass
class DayClock:
    """Runs with the day."""

    now: float = MIDNIGHT

    def utc(self) -> float:
        """Unix seconds."""
        return self.now

    def monotonic(self) -> float:
        """Seconds."""
        return self.now - MIDNIGHT

    @property
    def setting(self) -> ClockSetting:
        """One for all the day."""
        return NO_SETTING

    def synced(self) -> bool:
        """Always."""
        return True


class Listening:
    """The edge's capture through the day, as fast as it goes, into `spool`."""

    def __init__(self, day: Day, spool: RowStore, *, lane: Callable[[], Lane]) -> None:
        self._day = day
        self._clock = DayClock()
        self.hearing = Hearing(
            clock=self._clock,
            spool=spool,
            heard_until=None,
            lane=lane,
            receiver_timeout_s=150.0,
        )
        self.hearing.follow(day.orders)
        self.hearing.connection(up=True)

    async def hear(self, second: int) -> None:
        """One second: its messages, and what an edge does at its end."""
        self._clock.now = MIDNIGHT + second + 0.5
        for message in self._day.messages(second):
            self.hearing.message(message)
        self._clock.now = MIDNIGHT + second + 1.0 + CLOSING_DELAY_S
        await self.hearing.urgent.store_waiting()
        await self.hearing.tell()
        await self.hearing.close_windows(self._clock.now - CLOSING_DELAY_S)


def _part_of(site: Site, receivers: int) -> Site:
    away = np.hypot(*(site.node_xyz[:, :2] - site.node_xyz[:, :2].mean(axis=0)).T)
    nearest = np.sort(np.argsort(away)[:receivers])
    return replace(
        site, nodes=tuple(site.nodes[k] for k in nearest), node_xyz=site.node_xyz[nearest]
    )


class _Town:
    """As the simulator's world, but hours may be left out."""

    def __init__(self, site: Site, *, wall_db: float) -> None:
        people = populate(site, people=CARRIERS, seed=SEED)
        rng = np.random.default_rng(SEED)
        rotating = natives(CARRIERS, NATIVE, seed=SEED, start=MIDNIGHT)
        self._tags = tuple(make_tag(k + 1, rng, native=rotating.get(k)) for k in range(CARRIERS))
        offsets_db = np.array([tag.offset_db for tag in self._tags])
        self._radio = Radio(site, tag_offsets_db=offsets_db, seed=SEED, wall_db=wall_db)
        self._people = People(site, people, start=MIDNIGHT, seed=SEED, most_outdoors=CARRIERS)
        self._nodes = [make_node(node) for node in site.nodes]
        self._native = np.isin(np.arange(CARRIERS), list(rotating))
        self._rng = rng

    def seconds(self, start: float, count: int) -> Iterator[list[tuple[str, str]]]:
        """What is published in each of the `count` seconds from `start` on: topics, payloads."""
        long_before = start - RESTS_AFTER_S
        advertiser = Advertiser(self._tags, start=long_before, rng=self._rng, native=self._native)
        advertiser.feel(self._people.scene(start).outdoors, start)  # the others lie still
        advertiser.due(start)
        for until in np.arange(start + 1, start + count + 1).tolist():
            scene = self._people.scene(until)
            at, tag, kind = advertiser.due(until)
            here = ~scene.away[tag]
            at, tag, kind = at[here], tag[here], kind[here]
            xy, heading, indoors = scene.xy[tag], scene.heading[tag], ~scene.outdoors[tag]
            sent = Emission(at, tag, kind == BUTTON, xy, heading, indoors)
            yield list(self._said(sent, kind))

    def _said(self, sent: Emission, kind: Ints) -> Iterator[tuple[str, str]]:
        heard = self._radio.hear(sent)
        order = np.argsort(heard.packet, kind="stable")
        for packet, receiver, rssi_dbm in zip(
            *(column[order].tolist() for column in (heard.packet, heard.receiver, heard.rssi_dbm)),
            strict=True,
        ):
            at = float(sent.at[packet])
            advert = self._tags[sent.tag[packet]].firmware.packet(int(kind[packet]), at)
            for message in self._nodes[receiver].heard(advert, at=at, rssi_dbm=rssi_dbm):
                yield message.topic, message.payload
