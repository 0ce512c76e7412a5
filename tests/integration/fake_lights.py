"""The lamps' part of the fake hub: the JSON of the API, and what the tests move.

What the page asks to change is kept in `asked`, and changes what is told next, as a hub would.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]
Answer = tuple[HTTPStatus, Any]

HOUR_S = 3_600.0
OK, CREATED = HTTPStatus.OK, HTTPStatus.CREATED


def lamp(number: int, lon: float, lat: float, **changes: Any) -> Json:
    """A lamp that is lit by its program."""
    known = {
        "lamp": f"lamp-{number:03}",
        "lon": lon,
        "lat": lat,
        "pole": f"pole-{number:03}",
        "gateway": "gw-01",
        "bus": "bus-1",
        "unit": number,
        "profile": "generic",
        "lamp_type": "led-40",
        "groups": ["north"],
        "calendar": "street",
        "state": "on",
        "at": None,
        "target_level": 100.0,
        "feedback_level": 100.0,
        "actual_level": 100.0,
        "active_power_w": 40.0,
        "authority": "program",
        "reason": "dusk: 100 %",
        "faults": [],
        "work": "",
    }
    return known | changes


def event(number: int, lamp_id: str, kind: str, start: float, **changes: Any) -> Json:
    """A fault that nobody has taken up yet."""
    work = {"state": "open", "assignee": "", "note": "", "at": None}
    known = {"id": number, "lamp": lamp_id, "kind": kind, "start": start, "end": None}
    return known | {"evidence": {"active_power_w": 0.4, "expected_w": 40.0}, "work": work} | changes


@dataclass
class FakeLights:
    """What the hub knows of lamps; `refuses` answers whatever wants to change something."""

    lamps: list[Json] = field(default_factory=list)
    groups: list[str] = field(default_factory=lambda: ["north", "south"])
    sunset: float | None = None
    sunrise: float | None = None
    now: float = 0.0
    overrides: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    points: list[list[float | None]] = field(default_factory=list)
    plans: dict[str, Json] = field(default_factory=dict)
    energy: list[Json] = field(default_factory=list)
    report: Json = field(default_factory=dict)
    refuses: Answer | None = None
    outcome: Json = field(default_factory=lambda: {"state": "done", "why": ""})
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any = None) -> Answer:
        """What the hub says to `method` on `path` (below /api/v1/)."""
        if method == "GET":
            return OK, self._told(path.split("/"), query)
        self.asked.append((method, path, body))
        if self.refuses:
            return self.refuses
        match method, path.split("/"):
            case "POST", ["overrides"]:
                return CREATED, self._override(body, "staff")
            case "POST", ["scenes"]:
                level = {"level": 100, "reason": body["scene"]}
                return CREATED, self._override(body | level, "safety")
            case "DELETE", ["overrides", override]:
                self.overrides = [one for one in self.overrides if one["id"] != override]
            case "POST", ["lamp-events", number, "work"]:
                self._work(int(number), body)
        return HTTPStatus.NO_CONTENT, None

    def _told(self, parts: list[str], query: dict[str, str]) -> Any:
        match parts:
            case ["lamps"]:
                times = {"at": self.now, "sunset": self.sunset, "sunrise": self.sunrise}
                return times | {"groups": self.groups, "lamps": self.lamps}
            case ["lamps", lamp_id]:
                return self._detail(lamp_id)
            case ["lamps", lamp_id, "history"]:
                since, until = float(query["since"]), float(query["until"])
                points = [one for one in self.points if since <= (one[0] or 0) <= until]
                return {"lamp": lamp_id, "points": points}
            case ["lamps", lamp_id, "plan"]:
                return {"lamp": lamp_id} | self.plans.get(query["night"], _dark(query["night"]))
            case ["overrides"]:
                return self.overrides
            case ["lamp-events"]:
                since = float(query.get("since", 0))
                return [one for one in self.events if one["start"] >= since]
            case ["lamp-events", "report"]:
                return self.report | {"night": query["night"]}
            case ["energy"]:
                return {"co2_kg_per_kwh": 0.43, "rows": self.energy}
        raise LookupError(parts)

    def _detail(self, lamp_id: str) -> Json:
        one = next(one for one in self.lamps if one["lamp"] == lamp_id)
        values = {"active_power_w": one["active_power_w"], "supply_voltage_v": 201.3}
        return one | {
            "values": values | {"power_factor": 0.93, "temperature_c": None, "motion": False},
            "masked": {"temperature_c": "sensor broken"},
            "meter_class": 1.0,
            "overrides": [one for one in self.overrides if lamp_id in one["lamps"]],
            "events": [one for one in self.events if one["lamp"] == lamp_id],
            "availability": {"days": 30, "up": 0.9962, "faults": 2, "mttr_h": 5.5},
            "limits": {"power_low": 0.85, "temperature_c": 65.0},
            "own_limits": {"temperature_c": 65.0},
        }

    def _override(self, body: Json, authority: str) -> Json:
        groups = set(body.get("groups", []))
        lamps = [
            one["lamp"]
            for one in self.lamps
            if body.get("all")
            or "lon" in body
            or groups & set(one["groups"])
            or one["lamp"] in body.get("lamps", [])
        ]
        made = {
            "id": f"o{len(self.asked)}",
            "lamps": lamps,
            "level": body["level"],
            "authority": authority,
            "scene": body.get("scene", ""),
            "blink": body.get("blink", False),
            "reason": body["reason"],
            "by": "sato",
            "made_at": self.now,
            "start": self.now,
            "expiration": body.get("expiration") or self.now + 60 * body["minutes"],
            "ended_at": None,
            "outcomes": [{"lamp": one, "at": self.now} | self.outcome for one in lamps],
        }
        self.overrides = [made, *self.overrides]
        return made

    def _work(self, number: int, body: Json) -> None:
        known = next(one for one in self.events if one["id"] == number)
        known["work"] = {"assignee": "", "note": "", "at": self.now} | body
        one = next(one for one in self.lamps if one["lamp"] == known["lamp"])
        one["work"] = body["state"]


def _dark(night: str) -> Json:
    sun = {"night": night, "sunset": None, "sunrise": None}
    return sun | {
        "calendar": "street",
        "rule": "default",
        "program": "none",
        "steps": [],
        "now": None,
    }
