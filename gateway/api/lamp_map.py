"""The site's lamps as the API speaks of them: where they stand, and which somebody names."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from gateway.model import UnusableError
from gateway.site import Lamp, Points, Site


class ChoiceError(UnusableError):
    """The lamps that were named cannot be commanded; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class LampMap:
    """Every lamp of the site by its id, in the site's order.

    `places` are WGS84 degrees (lon, lat), `middle` is that of the site, for the sun. `driven` are
    the lamps that a gateway drives, `groups` the names that lamps are grouped by.
    """

    lamps: Mapping[str, Lamp]
    places: Mapping[str, tuple[float, float]]
    middle: tuple[float, float]
    driven: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    to_metres: Callable[[Points], Points]

    def choose(
        self, *, lamps: Collection[str] = (), groups: Collection[str] = (), everyone: bool = False
    ) -> tuple[str, ...]:
        """The lamps of these names and groups, each once, as they are now. Raises ChoiceError."""
        if everyone:
            return self._some(self.driven, "No lamp of the site is driven by a gateway.")
        self._refuse_unknown(lamps, groups)
        grouped = {lamp for group in groups for lamp in self.groups[group]}
        named = grouped.intersection(self.driven).union(lamps)
        chosen = tuple(lamp for lamp in self.driven if lamp in named)
        return self._some(chosen, "That names no lamp. Give lamps, groups, or all of them.")

    def near(self, lon: float, lat: float, *, radius_m: float) -> tuple[str, ...]:
        """The driven lamps within `radius_m` of a place in degrees. Raises ChoiceError."""
        (middle,) = self.to_metres(np.array([[lon, lat]]))
        places = np.array([self.lamps[lamp].xy for lamp in self.driven]).reshape(-1, 2)
        within = np.hypot(*(places - middle).T) <= radius_m
        chosen = tuple(lamp for lamp, is_near in zip(self.driven, within, strict=True) if is_near)
        return self._some(chosen, f"No lamp stands within {radius_m:g} m of there.")

    def _refuse_unknown(self, lamps: Collection[str], groups: Collection[str]) -> None:
        driven = set(self.driven)
        strangers = [lamp for lamp in lamps if lamp not in self.lamps]
        alone = [lamp for lamp in lamps if lamp in self.lamps and lamp not in driven]
        unknown = [group for group in groups if group not in self.groups]
        problems = [
            *(f"There is no lamp {lamp}." for lamp in strangers),
            *(f"No gateway drives lamp {lamp}: give it one on the site." for lamp in alone),
            *(f"There is no group {group} of lamps." for group in unknown),
        ]
        if problems:
            raise ChoiceError(" ".join(problems))

    @staticmethod
    def _some(chosen: tuple[str, ...], otherwise: str) -> tuple[str, ...]:
        if not chosen:
            raise ChoiceError(otherwise)
        return chosen


def lamp_map(site: Site) -> LampMap:
    """The lamps of `site`."""
    xy = np.array([lamp.xy for lamp in site.lamps]).reshape(-1, 2)
    degrees = site.to_lonlat(xy).round(7).tolist() if site.lamps else []
    groups: dict[str, list[str]] = {}
    for lamp in site.lamps:
        for group in lamp.groups:
            groups.setdefault(group, []).append(lamp.id)
    lon, lat = np.mean(degrees, axis=0).tolist() if degrees else (0.0, 0.0)
    return LampMap(
        lamps={lamp.id: lamp for lamp in site.lamps},
        places={
            lamp.id: (place[0], place[1]) for lamp, place in zip(site.lamps, degrees, strict=True)
        },
        middle=(lon, lat),
        driven=tuple(lamp.id for lamp in site.lamps if lamp.gateway),
        groups={group: tuple(groups[group]) for group in sorted(groups)},
        to_metres=site.to_metres,
    )
