"""Lamps as others know them: valid by the published schema, and no more than is known."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from gateway.lamps import LampEventKind as Kind
from gateway.lamps import LampReading
from gateway.outputs.ngsi import Entity, Shown, streetlight
from gateway.outputs.ngsi import shown as now_shown
from gateway.site import Lamp

COMMON = "https://smart-data-models.github.io/data-models/common-schema.json"
LAMP = Lamp("l-1", (0.0, 0.0), "p-7", "gw-01", "bus-1", 1, "generic", "led-40", ("front", "all"))
BARE = Lamp("l-2", (0.0, 0.0), "", "", "", 0, "generic", "led-40", ())
SHOWN = Shown(
    lit=True, level=49.6, on_at=1_767_322_800.25, off_at=1_767_300_000.0, faults=(Kind.SUPPLY_LOSS,)
)


def entity(lamp: Lamp = LAMP, shown: Shown = SHOWN) -> Entity:
    return streetlight(lamp, shown, site_id="iwaki", lon=140.880_123_456_78, lat=37.05)


@pytest.fixture(scope="session")
def validator(shared: Path) -> Draft202012Validator:
    folder = shared / "data" / "ngsi"
    common = Resource.from_contents(json.loads((folder / "common-schema.json").read_text()))
    registry: Registry[object] = Registry().with_resource(COMMON, common)
    schema = json.loads((folder / "Streetlight" / "schema.json").read_text())
    return Draft202012Validator(
        schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def test_a_lamp_says_what_it_is_and_how_it_stands() -> None:
    assert entity() == {
        "id": "urn:ngsi-ld:Streetlight:iwaki:l-1",
        "type": "Streetlight",
        "location": {"type": "Point", "coordinates": [140.8801235, 37.05]},
        "status": "ok",
        "controllingMethod": "individual",
        "streetPoleNum": "p-7",
        "refStreetlightGroup": "urn:ngsi-ld:StreetlightGroup:iwaki:front",
        "powerState": "on",
        "illuminanceLevel": 0.5,
        "dateLastSwitchingOn": "2026-01-02T03:00:00Z",
        "dateLastSwitchingOff": "2026-01-01T20:40:00Z",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert set(entity(BARE, Shown())) == {"id", "type", "location", "status", "controllingMethod"}


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ((), "ok"),
        ((Kind.COMMUNICATION_FAILURE, Kind.SUPPLY_VOLTAGE_TOO_LOW), "ok"),
        ((Kind.CABINET_DOOR_OPEN,), "columnIssue"),
        ((Kind.CABINET_DOOR_OPEN, Kind.TEMPERATURE_TOO_HIGH), "brokenLantern"),
        ((Kind.TEMPERATURE_TOO_HIGH, Kind.LAMP_FAILURE), "defectiveLamp"),
    ],
)
def test_the_worst_of_its_faults_is_told_in_their_word(
    faults: tuple[Kind, ...], status: str
) -> None:
    assert entity(shown=Shown(faults=faults))["status"] == status


@pytest.mark.parametrize("lamp", [LAMP, BARE])
@pytest.mark.parametrize(
    "shown",
    [SHOWN, Shown(), Shown(lit=False, level=0.0), *(Shown(faults=(kind,)) for kind in Kind)],
)
def test_it_is_valid_by_the_published_schema(
    validator: Draft202012Validator, lamp: Lamp, shown: Shown
) -> None:
    validator.validate(entity(lamp, shown))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "dark"},
        {"powerState": True},
        {"illuminanceLevel": 50},
        {"location": {"type": "Point", "coordinates": [140.88]}},
        {"dateLastSwitchingOn": 1_767_322_800},
    ],
)
def test_the_schema_would_refuse_what_is_wrong(
    validator: Draft202012Validator, wrong: Entity
) -> None:
    with pytest.raises(ValidationError):
        validator.validate(entity() | wrong)
    without = entity()
    del without["location"]
    with pytest.raises(ValidationError):
        validator.validate(without)


@pytest.mark.parametrize(
    ("faults", "state", "level"),
    [
        ((), "on", 0.5),
        ((Kind.TEMPERATURE_TOO_HIGH,), "on", 0.5),
        ((Kind.LAMP_FAILURE,), "off", 0.5),  # the level is what it is set to
        ((Kind.SUPPLY_LOSS,), "off", 0.5),
        ((Kind.SUPPLY_LOSS, Kind.COMMUNICATION_FAILURE), None, None),
    ],
)
def test_faults_tell_more_than_the_lamp_says_itself(
    faults: tuple[Kind, ...], state: str | None, level: float | None
) -> None:
    said = LampReading(at=1.0, lamp="l-1", actual_level=50.0)
    told = entity(shown=now_shown(said, on_at=None, off_at=None, faults=faults))
    assert (told.get("powerState"), told.get("illuminanceLevel")) == (state, level)
