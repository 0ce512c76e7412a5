"""Publishes the town over MQTT as its receivers would, in step with a simulated clock."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_sim.adapters import AdapterNode
from firmware_sim.nodes import Message, RemoteNode
from firmware_sim.town_control import TownBoard
from firmware_sim.truth import TruthFile
from firmware_sim.world import Step, World

log = structlog.get_logger()

TICK_S = 0.1  # simulated: what a receiver hears it passes on so soon, at any rate
STEP_MOST_S = 1.0
RETRY_S = 2.0
KEEPALIVE_S = 30


@dataclass(frozen=True, slots=True)
class SimClock:
    """utc = start + (real time - anchor) × rate, as in every process that is given the three."""

    start: float
    anchor: float
    rate: float

    def utc(self) -> float:
        """Simulated Unix seconds now."""
        return self.start + (time.time() - self.anchor) * self.rate


@dataclass(slots=True)
class Counts:
    """What became of the messages."""

    published: int = 0
    unpublished: int = 0
    connections: int = 0


class Broker:
    """One connection that carries all nodes' messages at QoS 0, and mends itself.

    While it is down messages are counted and lost, as the real nodes lose them.
    """

    def __init__(self, host: str, port: int) -> None:
        self.counts = Counts()
        self._host = host
        self._port = port
        self._up = self._fresh = False
        self._retry_at = 0.0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected

    def publish(self, messages: list[Message]) -> None:
        """Send, or count as unpublished."""
        for message in messages:
            sent = MQTTErrorCode.MQTT_ERR_NO_CONN
            if self._up:
                topic, payload, retain = message
                sent = self._client.publish(topic, payload, qos=0, retain=retain).rc
            if sent is MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.counts.published += 1
            else:
                self.counts.unpublished += 1

    def serve(self, seconds: float) -> bool:
        """Work on the connection for so long. True once after each new connection."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            if self._client.socket() is None and not self._connect():
                time.sleep(left)
                break
            self._client.loop(timeout=left)
        fresh, self._fresh = self._fresh, False
        return fresh

    def close(self) -> None:
        """Send what waits, say goodbye."""
        if self._up:
            self._up = False
            self._client.disconnect()
            self._client.loop(timeout=0.2)

    def _connect(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RETRY_S
        try:
            self._client.connect(self._host, self._port, keepalive=KEEPALIVE_S)
        except OSError as error:
            log.warning("broker not reached", host=self._host, port=self._port, error=str(error))
            return False
        return True

    def _connected(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker refused", reason=str(reason))
            return
        self._up = self._fresh = True
        self.counts.connections += 1
        log.info("broker connected", host=self._host, port=self._port)

    def _disconnected(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._up:
            log.warning("broker gone", reason=str(reason), unpublished=self.counts.unpublished)
        self._up = False


class Town:
    """The world, its receivers' firmware and the broker, moved by `run`.

    `nodes` has the firmware of each receiver of the site; `board` may do things to the town.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: SimClock,
        broker: Broker,
        truth: TruthFile,
        nodes: Mapping[str, RemoteNode | AdapterNode],
        board: TownBoard | None = None,
    ) -> None:
        self._world = world
        self._board = board
        self._clock = clock
        self._broker = broker
        self._truth = truth
        self._nodes = tuple(nodes[node.id] for node in world.site.nodes)
        self._at = clock.start
        count = len(self._nodes)
        self._state_at = [
            clock.start + node.state_s * k / count for k, node in enumerate(self._nodes)
        ]
        self.stopped = False

    def run(self, *, until: float) -> None:
        """Publish until simulated `until`, or `stopped`."""
        while not self.stopped and self._at < until:
            if self._broker.serve(TICK_S / self._clock.rate):
                self._announce(born=True)
            now = min(self._clock.utc(), until)
            while self._at < now:
                self.advance(min(now, self._at + STEP_MOST_S))
        self._announce(born=False)

    def advance(self, until: float) -> None:
        """One step of the world, published and noted."""
        if self._board is not None:
            self._board.serve()
        step = self._world.step(until)
        for message in self.messages(step):
            self._broker.publish([message])
        self._states(until)
        self._truth.tell(step.deeds)
        if int(until) > int(self._at):
            self._truth.write(until, step.scene)
            for node in self._nodes:
                node.pass_second(until)
        self._at = until

    def messages(self, step: Step) -> list[Message]:
        """What the nodes say of what they heard."""
        sent, heard = step.sent, step.heard
        found: list[Message] = []
        for packet, receiver, rssi in zip(
            heard.packet.tolist(), heard.receiver.tolist(), heard.rssi_dbm.tolist(), strict=True
        ):
            found += self._nodes[receiver].heard(
                self._world.packet(step, packet), at=float(sent.at[packet]), rssi_dbm=rssi
            )
        return found

    def _states(self, until: float) -> None:
        for k, node in enumerate(self._nodes):
            if self._state_at[k] <= until:
                self._state_at[k] += node.state_s
                self._broker.publish(node.state(uptime_s=until - self._clock.start + 3600.0))

    def _announce(self, *, born: bool) -> None:
        for node in self._nodes:
            self._broker.publish(node.born() if born else node.will())
