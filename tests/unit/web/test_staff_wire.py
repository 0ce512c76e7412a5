"""What the staff's page takes for granted of the API is what the API tells and takes."""

import re
from dataclasses import fields

import pytest

from gateway.api import lamp_shapes, lamp_wishes
from gateway.api.energy import EnergyShape
from gateway.lamps import QUANTITIES, LampEventKind
from gateway.lights.energy import EnergyRow
from gateway.lights.morning import URGENCY, MorningReport
from tests.needs import ROOT

WIRE = ROOT / "gateway" / "web" / "src" / "staff" / "wire.ts"
INTERFACE = re.compile(r"export interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"^  (\w+)\??:", re.MULTILINE)

TOLD = {
    "Lamp": lamp_shapes.LampShape,
    "Lamps": lamp_shapes.LampsShape,
    "Outcome": lamp_shapes.OutcomeShape,
    "Override": lamp_shapes.OverrideShape,
    "LampEvent": lamp_shapes.LampEventShape,
    "LampDetail": lamp_shapes.LampDetail,
    "PlanStep": lamp_shapes.PlanStep,
    "NightPlan": lamp_shapes.PlanShape,
    "EnergyRow": EnergyRow,
    "Energy": EnergyShape,
    "MorningReport": MorningReport,
}
TAKEN = {"NewOverride": lamp_wishes.OverrideWish, "NewScene": lamp_wishes.SceneWish}


@pytest.fixture(scope="module")
def interfaces() -> dict[str, set[str]]:
    """The fields of each interface of the page, those that it extends among them."""
    found: dict[str, set[str]] = {}
    for name, parent, body in INTERFACE.findall(WIRE.read_text(encoding="utf-8")):
        found[name] = set(FIELD.findall(body)) | found.get(parent, set())
    return found


def test_every_interface_is_compared(interfaces: dict[str, set[str]]) -> None:
    assert set(interfaces) == set(TOLD) | set(TAKEN)


@pytest.mark.parametrize("name", TOLD)
def test_the_page_reads_what_the_hub_tells(name: str, interfaces: dict[str, set[str]]) -> None:
    assert interfaces[name] <= {field.name for field in fields(TOLD[name])}


@pytest.mark.parametrize("name", TAKEN)
def test_the_page_asks_what_the_hub_takes(name: str, interfaces: dict[str, set[str]]) -> None:
    assert interfaces[name] <= set(TAKEN[name].model_fields)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("faults.ts", tuple(LampEventKind)),
        ("quantities.ts", (*QUANTITIES, "expected_w", "fits_level", "cycles", "tilt_jump_deg")),
    ],
)
def test_every_fault_and_quantity_has_its_words(module: str, names: tuple[str, ...]) -> None:
    rows = set(FIELD.findall((WIRE.parent / module).read_text(encoding="utf-8")))
    assert set(names) - rows == set()


def test_the_page_orders_faults_as_the_morning_report_does() -> None:
    known = FIELD.findall((WIRE.parent / "faults.ts").read_text(encoding="utf-8"))
    assert [name for name in known if name in set(LampEventKind)] == list(URGENCY)
