"""Whether the path from the receivers to the alerts is whole, seen from outside."""

import asyncio
import json

import aiomqtt

from tests.system.chaos.ground import EDGES, NAMES, PAIRS, SITE_ID
from tests.system.chaos.town import LOOK_EVERY_S, Town

ROOT = f"machimori/v1/{SITE_ID}"
STATUSES = {f"{ROOT}/gw/{edge}/status": edge for edge in EDGES} | {f"{ROOT}/hub/hub/status": "hub"}
API_ANSWERS_WITHIN_S = 2.0


class NotWholeError(Exception):
    """It did not come back in time; the message says what is wanting."""


class Health:
    """`run` listens to the statuses; `wanting` says at once what keeps the path from being whole.

    `last_wanting` is what came back last.

    Whole is: every process runs, each has an open connection that nothing is done to, both edges
    and the hub say to the broker that they are online, and the hub's API answers.
    """

    def __init__(self, town: Town) -> None:
        self._town = town
        self._online: dict[str, bool] = {}
        self.last_wanting: list[str] = []

    async def run(self) -> None:
        """Listen until cancelled, straight at the broker."""
        while True:
            self._online.clear()
            try:
                async with aiomqtt.Client("127.0.0.1", self._town.mqtt_port) as client:
                    await client.subscribe([(topic, 1) for topic in STATUSES])
                    async for message in client.messages:
                        said = json.loads(bytes(message.payload))
                        self._online[STATUSES[message.topic.value]] = said["online"]
            except aiomqtt.MqttError:
                await asyncio.sleep(LOOK_EVERY_S)

    async def wanting(self) -> list[str]:
        """What is not as it should be; empty where the path is whole."""
        town = self._town
        down = [f"{name} does not run" for name in NAMES if not town.process(name).is_up]
        cut = [f"{a} has no way to {b}" for a, b in PAIRS if not town.proxy(a, b).is_whole]
        silent = [f"{who} is not online" for who in STATUSES.values() if not self._online.get(who)]
        if down or cut or silent:
            return [*down, *cut, *silent]
        return [] if await self._api_answers() else ["the API does not answer"]

    async def whole(self, *, within_s: float) -> float:
        """Wait until nothing is wanting; gives the time. Raises NotWholeError."""
        deadline = self._town.now() + within_s
        while wanting := await self.wanting():
            self.last_wanting = wanting
            if self._town.now() > deadline:
                raise NotWholeError(f"not whole within {within_s:.0f} s: {', '.join(wanting)}")
            await asyncio.sleep(LOOK_EVERY_S)
        return self._town.now()

    async def flows(self, *, since: float, within_s: float) -> float:
        """Wait for a window of each edge captured after `since`; gives the time it was there.

        Raises NotWholeError.
        """
        deadline = self._town.now() + within_s
        while missing := sorted(set(EDGES) - self._heard(since)):
            if self._town.now() > deadline:
                raise NotWholeError(f"no window of {', '.join(missing)} within {within_s:.0f} s")
            await asyncio.sleep(LOOK_EVERY_S)
        return self._town.now()

    def _heard(self, since: float) -> set[object]:
        found = self._town.rows(
            "SELECT DISTINCT gateway FROM windows WHERE second BETWEEN ? AND ?", since, since + 600
        )
        return {gateway for (gateway,) in found}

    async def _api_answers(self) -> bool:
        """Asked by hand: a client's own work would be felt, so often is it asked."""
        try:
            async with asyncio.timeout(API_ANSWERS_WITHIN_S):
                return await self._ask_api()
        except (OSError, TimeoutError):
            return False

    async def _ask_api(self) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._town.http_port)
        try:
            writer.write(b"GET /api/v1/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in await reader.readline()
        finally:
            writer.close()
