"""`machimori lamp list|show|explain`: how lamps are, and what they will do tonight and why.

Commands read the hub's database; the hub may be running.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.api import lamp_details
from gateway.api.lamp_shapes import LampDetail, LampShape, PlanShape
from gateway.api.lamp_views import lamp_shapes
from gateway.cli.lamp_hub import LampError, LampHub, open_hub
from gateway.cli.options import ConfigFile

WIDE = 140

LampId = Annotated[str, typer.Argument(metavar="LAMP", help="Its id on the site.")]


def list_all(
    *,
    config: ConfigFile,
    group: Annotated[str, typer.Option(help="Only the lamps of this group.")] = "",
    faulty: Annotated[bool, typer.Option("--faulty", help="Only lamps with a fault.")] = False,
) -> None:
    """List lamps as their last readings told them."""
    hub = open_hub(config)
    known = hub.lights.map
    if group and group not in known.groups:
        raise LampError(f"There is no group {group}. Groups: {', '.join(known.groups) or 'none'}.")
    wanted = known.groups[group] if group else tuple(known.lamps)
    now = hub.clock.utc()
    shapes = hub.work(
        lambda database: database.read(
            lambda connection: tuple(lamp_shapes(connection, known, wanted, now=now))
        )
    )
    found = [shape for shape in shapes if shape.faults or not faulty]
    table = Table("lamp", "on", "state", "target", "actual", "W", "by", "why", "faults", box=None)
    for shape in found:
        table.add_row(*map(escape, _row(shape)))
    Console(width=WIDE).print(table)
    lit = sum(shape.state == "on" for shape in found)
    unknown = sum(shape.state == "unknown" for shape in found)
    with_faults = sum(bool(shape.faults) for shape in found)
    typer.echo(f"{len(found)} lamps: {lit} on, {unknown} unknown, {with_faults} with faults.")


def show(lamp: LampId, *, config: ConfigFile) -> None:
    """Show everything that is known of a lamp."""
    hub = open_hub(config)
    now = hub.clock.utc()
    raw = hub.work(
        lambda database: database.read(lamp_details.detail, hub.lights, hub.known(lamp), now=now)
    )
    detail = msgspec.json.decode(raw, type=LampDetail)
    typer.echo(
        f"{detail.lamp} on pole {detail.pole or '–'}: {_wired(detail)}; {detail.lamp_type}; "
        f"calendar {detail.calendar or '–'}; groups {', '.join(detail.groups) or '–'}"
    )
    typer.echo(
        f"{detail.state}: target {_percent(detail.target_level)}, "
        f"feedback {_percent(detail.feedback_level)}, actual {_percent(detail.actual_level)} "
        f"at {hub.local(detail.at)} by {detail.authority or '–'}: {detail.reason or '–'}"
    )
    for line in (*_values(detail), *_events(hub, detail), *_overrides(hub, detail)):
        typer.echo(f"  {line}")
    known = detail.availability
    repair = "–" if known.mttr_h is None else f"{known.mttr_h:.1f} h"
    typer.echo(
        f"last {known.days:g} days: available {known.up:.2%}, faults {known.faults}, "
        f"mean time to repair {repair}"
    )


def explain(
    lamp: LampId,
    *,
    config: ConfigFile,
    night: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The night that begins that day; tonight's."),
    ] = None,
) -> None:
    """Say what a lamp will do in a night, and why."""
    hub = open_hub(config)
    if not hub.lights.map.lamps[hub.known(lamp)].gateway:
        raise LampError(f"No gateway drives lamp {lamp}: give it one on the site.")
    wanted: date | None = None if night is None else night.date()
    now = hub.clock.utc()
    raw = hub.work(
        lambda database: database.read(lamp_details.plan, hub.lights, lamp, night=wanted, now=now)
    )
    plan = msgspec.json.decode(raw, type=PlanShape)
    typer.echo(
        f"{lamp}, night of {plan.night}: sunset {hub.local(plan.sunset, '%H:%M:%S')}, "
        f"sunrise {hub.local(plan.sunrise, '%H:%M:%S')}"
    )
    typer.echo(
        f"calendar {plan.calendar or '–'}, {plan.rule or 'no rule'}: program {plan.program or '–'}"
    )
    table = Table("from", "until", "level", "by", "why", "sensor", box=None)
    for step in plan.steps:
        times = (hub.minute(step.at), hub.minute(step.until))
        why = (step.authority, step.reason, step.by_sensor)
        table.add_row(*times, _percent(step.level), *map(escape, why))
    Console(width=WIDE).print(table)
    if plan.now is not None:
        typer.echo(
            f"at {hub.local(plan.now.at)}: {_percent(plan.now.level)} "
            f"by {plan.now.authority}: {plan.now.reason}"
        )


def _row(shape: LampShape) -> tuple[str, ...]:
    watts = "–" if shape.active_power_w is None else f"{shape.active_power_w:.1f}"
    return (
        shape.lamp,
        _wired(shape),
        shape.state,
        _percent(shape.target_level),
        _percent(shape.actual_level),
        watts,
        shape.authority or "–",
        shape.reason,
        " ".join(shape.faults),
    )


def _wired(shape: LampShape) -> str:
    return f"{shape.gateway} {shape.bus} {shape.unit}" if shape.gateway else "nothing"


def _values(detail: LampDetail) -> Iterator[str]:
    for name, value in detail.values.items():
        if name in detail.masked:
            yield f"{name}: not readable ({detail.masked[name]})"
        elif value is not None:
            yield f"{name}: {_told(value)}"
    if detail.meter_class is not None:
        yield f"meter: class {detail.meter_class:g}"


def _told(value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"


def _events(hub: LampHub, detail: LampDetail) -> Iterator[str]:
    for event in detail.events:
        evidence = ", ".join(f"{name} {value:g}" for name, value in event.evidence.items())
        end = "goes on" if event.end is None else f"until {hub.local(event.end)}"
        yield (
            f"fault {event.id} {event.kind} since {hub.local(event.start)}, {end} ({evidence}); "
            f"work {event.work.state} {event.work.assignee}".rstrip()
        )


def _overrides(hub: LampHub, detail: LampDetail) -> Iterator[str]:
    for said in detail.overrides:
        (outcome,) = [one for one in said.outcomes if one.lamp == detail.lamp]
        level = "back to the program" if said.level is None else _percent(said.level)
        ended = hub.local(said.ended_at or said.expiration)
        yield (
            f"override {said.id} by {said.authority}: {level} {hub.local(said.made_at)} … {ended}, "
            f"{outcome.state} {outcome.why}".rstrip()
        )


def _percent(level: float | None) -> str:
    return "–" if level is None else f"{level:g} %"
