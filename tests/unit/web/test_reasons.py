"""Staff read why a lamp has its level in their language: the gateway's real words, translated."""

import json
import os
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

from gateway.lamps import Authority, LampOrder, LampType, Override
from gateway.lights.control import Control
from gateway.lights.defaults import load_defaults
from gateway.lights.orders import LightOrders, Overrides
from gateway.lights.plan import Planner
from gateway.lights.programs import Programs
from gateway.settings import config_dir
from gateway.web.build_hook import machine_npm, packaged_npm
from tests.unit.web.test_types import WEB, npm_exec

NOON = 1_795_316_400.0  # 2026-11-22 12:00 in Tokyo
# Units, and names that people gave.
OURS = re.compile(r"(?<![A-Za-z])(?:lx|SOS)(?![A-Za-z])|lamp-\d+|[a-z-]+(?=：)|「.*?」")


def orders() -> LightOrders:
    """A lamp for each calendar of a new hub, and two that have none that can be used."""
    programs, calendars = load_defaults(config_dir() / "lights")
    names = [*(calendar.id for calendar in calendars), "", "of-nobody"]
    lamps = tuple(
        LampOrder(f"lamp-{n}", "bus-1", n + 1, "generic", "led-40", (30.0 * n, 0.0), calendar=name)
        for n, name in enumerate(names)
    )
    led = LampType("led-40", ((0.0, 0.4), (100.0, 40.0)))
    return LightOrders(1, "Asia/Tokyo", 140.93, 36.99, lamps, (led,), programs, calendars)


def reasons() -> set[str]:
    """What the edge says of these lamps over a day, and what the hub says of their nights."""
    told = orders()
    programs = Programs(told)
    control = Control(programs, told)
    planner = Planner(told)
    found = set()
    for lamp in (order.lamp for order in told.lamps):
        for night in (date(2026, 11, 22), date(2026, 12, 31), date(2026, 11, 28)):
            plan = planner.plan(lamp, night)
            found |= {plan.rule, *(step.reason for step in plan.steps)}
        for minute in range(0, 24 * 60, 7):
            at = NOON + 60.0 * minute
            programs.sensed(lamp, at, motion=minute % 3 == 0, illuminance_lx=5.0 + minute % 90)
            found.add(control.decide(lamp, at).reason)
        found.add(control.decide(lamp, NOON, synced=False).reason)
    return found | said_by_people(told)


def said_by_people(told: LightOrders) -> set[str]:
    found = set()
    for authority, scene, blink in (
        (Authority.STAFF, "", False),
        (Authority.TECHNICIAN, "", True),
        (Authority.TECHNICIAN, "", False),
        (Authority.SAFETY, "", False),
        *((Authority.SAFETY, scene, False) for scene in ("evacuation", "search", "sos")),
    ):
        control = Control(Programs(told), told)
        lasting = (NOON, NOON, NOON + 60.0)
        said = Override("o-1", ("lamp-0",), 80.0, authority, *lasting, scene=scene, blink=blink)
        control.overrides(Overrides((said,)), NOON)
        found.add(control.decide("lamp-0", NOON + 1.0).reason)
    return found


def in_japanese(told: list[str], folder: Path) -> list[str]:
    options = ("--ignoreConfig", "--target", "es2022", "--module", "es2022", "--outDir", folder)
    done = npm_exec("tsc", *map(str, options), str(WEB / "src" / "staff" / "reasons.ts"))
    assert done.returncode == 0, done.stdout
    module = (folder / "reasons.js").rename(folder / "reasons.mjs")
    call = (
        f"import {{inJapanese}} from {json.dumps(str(module))};"
        f"console.log(JSON.stringify({json.dumps(told)}.map(inJapanese)))"
    )
    npm = machine_npm(os.environ) or packaged_npm() or []
    node = [str(Path(npm[0]).parent / "node"), "--input-type=module", "--eval", call]
    said = subprocess.run(node, capture_output=True, check=True, text=True)
    translated: list[str] = json.loads(said.stdout)
    return translated


def test_no_english_is_left_but_names(tmp_path: Path) -> None:
    told = sorted(reasons() - {""})
    assert len(told) > 25
    translated = in_japanese(told, tmp_path)
    left = {
        before: after
        for before, after in zip(told, translated, strict=True)
        if re.search("[A-Za-z]{2,}", OURS.sub("", after))
    }
    assert not left


@pytest.mark.parametrize(
    ("reason", "japanese"),
    [
        ("street: sunset 16:23 → 100 %", "street：日の入り 16:23 → 100 %"),
        ("school-way: off until sunset -30 min 15:53", "school-way：日の入り-30分 15:53まで消灯"),
        ("what nobody foresaw", "what nobody foresaw"),
    ],
)
def test_a_reason_reads_well(reason: str, japanese: str, tmp_path: Path) -> None:
    assert in_japanese([reason], tmp_path) == [japanese]
