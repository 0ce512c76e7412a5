"""What staff and technicians may ask of lamps: the bodies of their requests, and nights."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LONGEST_OVERRIDE_S = 7 * 86_400.0
LONGEST_SCENE_MINUTES = 24 * 60

Name = Annotated[str, Field(min_length=1, max_length=64)]
Names = Annotated[list[Name], Field(max_length=1_000)]
Minutes = Annotated[float, Field(gt=0, le=LONGEST_OVERRIDE_S / 60, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)]
Level = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=500)]
Night = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
"""The night that begins on that day; the sun is known of these."""


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Addressed(_Wish):
    """Lamps by name, and by their groups; or all."""

    lamps: Names = []
    groups: Names = []
    all: bool = False


class OverrideWish(Addressed):
    """Lamps, groups or all; a level (null: go on with the program); and its end.

    The end is `minutes` from now, or `expiration`. With `blink` they go on and off, to be found.
    """

    level: Level | None
    minutes: Minutes | None = None
    expiration: Annotated[float, Field(ge=0, le=2.0**40, allow_inf_nan=False)] | None = None
    reason: Text = ""
    ramp_to_level_s: Seconds = 0.0
    blink: bool = False

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if (self.minutes is None) == (self.expiration is None):
            raise ValueError("give minutes, or expiration: an override needs an end")
        return self

    def end(self, now: float) -> float:
        """Its expiration, where it is made at `now`."""
        return now + 60.0 * (self.minutes or 0.0) if self.expiration is None else self.expiration


class SceneWish(_Wish):
    """A scene of safety, for groups, for all, or for what stands within radius_m of a place."""

    scene: Literal["evacuation", "search"]
    minutes: Annotated[float, Field(gt=0, le=LONGEST_SCENE_MINUTES, allow_inf_nan=False)]
    groups: Names = []
    all: bool = False
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    radius_m: Annotated[float, Field(gt=0, le=5_000, allow_inf_nan=False)] = 100.0
    reason: Text = ""

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat belong together: give both, or neither")
        if (self.lon is not None) + bool(self.groups) + self.all != 1:
            raise ValueError("give one of: groups, all, or a place (lon, lat)")
        return self


class SettingsWish(_Wish):
    """A lamp's own settings; what is left out stays. `limits` replaces all of its own limits."""

    calendar: Annotated[str, Field(max_length=64)] | None = None
    limits: dict[Name, Annotated[float, Field(allow_inf_nan=False)]] | None = None


class WorkWish(_Wish):
    """How far the work on a fault is; an assignee or note that is left out stays."""

    state: Literal["open", "assigned", "done"]
    assignee: Annotated[str, Field(max_length=64)] | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
