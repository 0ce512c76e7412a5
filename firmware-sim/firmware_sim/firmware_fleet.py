"""The native tags of a town: they feel how their carriers move and how warm it is, and live on."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware_sim.firmware import NativeFirmware, make_native
from firmware_sim.geometry import Floats
from firmware_sim.lamps.weather import Weather
from firmware_sim.people import DAY_S, JST_S, Scene
from firmware_sim.radio import Ints

MOVED_M = 0.01  # in one step: an accelerometer feels it
INDOORS_C, SKIN_C, SKIN_SHARE = 22.0, 33.0, 0.3
WEATHER_EVERY_S = 60.0


def natives(count: int, share: float, *, seed: int, start: float) -> dict[int, NativeFirmware]:
    """Firmware for that share of `count` tags, spread evenly from the first, by index."""
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"native is a share of all tags, 0 to 1, not {share}")
    day_start = (start + JST_S) // DAY_S * DAY_S - JST_S
    upto = [math.ceil(k * share - 1e-9) for k in range(count + 1)]
    return {
        k: make_native(k + 1, seed=seed, start=start, day_start=day_start)
        for k in range(count)
        if upto[k + 1] > upto[k]
    }


class Fleet:
    """Brings time, motion and warmth to `firmware` (by index of the tag) among `count` tags."""

    def __init__(self, firmware: Mapping[int, NativeFirmware], *, count: int, seed: int) -> None:
        self.mask: NDArray[np.bool_] = np.isin(np.arange(count), list(firmware))
        self._firmware = firmware
        self._weather = Weather(seed)
        self._weather_at, self._air_c = -math.inf, 0.0
        self._xy: Floats | None = None

    def moving(self, scene: Scene) -> NDArray[np.bool_]:
        """Which of all tags have moved since the last step."""
        before, self._xy = self._xy, scene.xy
        if before is None:
            return np.ones(len(scene.xy), dtype=bool)
        return np.asarray(np.hypot(*(scene.xy - before).T) > MOVED_M)

    def live(self, scene: Scene, sent: Ints, until: float) -> None:
        """Let time pass to `until`, in which `sent` holds the tag of every packet."""
        if not self._firmware:
            return
        if until - self._weather_at >= WEATHER_EVERY_S:
            self._weather_at, self._air_c = until, self._weather.at(until).ambient_c
        worn_c = self._air_c + SKIN_SHARE * (SKIN_C - self._air_c)
        adverts = np.bincount(sent, minlength=len(self.mask))
        for number, firmware in self._firmware.items():
            warmth_c = worn_c if scene.outdoors[number] else INDOORS_C
            firmware.live(until, adverts=int(adverts[number]), temperature_c=warmth_c)
