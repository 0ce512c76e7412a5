"""`machimori calibration`: what the nights taught of the receivers; it can be undone.

Commands work on the hub's database; the hub may be running, and takes up what they change.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from gateway.app.learner import learn_stored
from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.model import UnusableError
from gateway.settings import Settings, load_settings
from gateway.site import load_site
from gateway.store import calibrations
from gateway.store.calibrations import Summary
from gateway.store.database import Database
from gateway.tags.calibration import Calibration
from gateway.tags.fitting import Belief
from gateway.tags.health import Verdict

BY_HAND = "command line"
WIDE = 110

T = TypeVar("T")


class CalibrationError(UnusableError):
    """What was asked of a calibration cannot be done; the message says why."""


def list_all(
    *,
    config: ConfigFile,
    limit: Annotated[int, typer.Option(min=1, help="How many, at most.")] = 30,
) -> None:
    """List calibrations, newest first."""
    settings = load_settings(config)
    found = _in_database(settings, lambda database: database.read(calibrations.latest, limit=limit))
    if not found:
        typer.echo("Nothing has been learned yet. The first night teaches, or `calibration run`.")
        return
    table = Table("id", "learned", "before", "after", "kept", "state", box=None)
    for one in found:
        table.add_row(
            str(one.id),
            _moment(one.learned_at, settings),
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            "yes" if one.accepted else "no",
            _state(one),
        )
    Console(width=WIDE).print(table)


def show(
    calibration: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="That in force, where not given.")
    ] = None,
    *,
    config: ConfigFile,
) -> None:
    """Show what a calibration says of each receiver."""
    settings = load_settings(config)

    async def work(database: Database) -> tuple[Summary, Calibration]:
        wanted = calibration
        if wanted is None:
            wanted = await database.read(calibrations.in_force)
        if wanted is None:
            raise CalibrationError("No calibration is in force. `calibration list` has them all.")
        known = await database.read(calibrations.summary, wanted)
        said = await database.read(calibrations.get, wanted)
        if known is None or said is None:
            raise CalibrationError(f"There is no calibration {wanted}. See `calibration list`.")
        return known, said

    summary, said = _in_database(settings, work)
    upon = "the site's file" if summary.upon is None else f"calibration {summary.upon}"
    typer.echo(
        f"Calibration {summary.id}, {_state(summary)}, learned upon {upon}: {_scores(said)}."
    )
    for step in summary.life:
        by = f" by {step.by}" if step.by else ""
        typer.echo(f"  {step.state.replace('_', ' ')} since {_moment(step.at, settings)}{by}")
    Console(width=WIDE).print(_receivers(said))
    for verdict in said.verdicts:
        typer.echo(told(verdict))


def undo(*, config: ConfigFile) -> None:
    """Put the calibration in force that was so before. A running hub takes it up in seconds."""
    settings = load_settings(config)
    now = _clock(settings).utc()
    done = _in_database(
        settings, lambda database: database.write(calibrations.undo, at=now, by=BY_HAND)
    )
    if done is None:
        raise CalibrationError("No calibration is in force: there is nothing to undo.")
    instead = "the site's file alone" if done.in_force is None else f"calibration {done.in_force}"
    typer.echo(f"Calibration {done.undone} is undone; {instead} is in force.")


def run(*, config: ConfigFile) -> None:
    """Learn now from what was heard since the last time, a day at most, and put it in force.

    It takes minutes of a whole core.
    """
    settings = load_settings(config)
    site = load_site(settings.site)
    now = _clock(settings).utc()
    lesson = _in_database(settings, lambda database: learn_stored(database, site, now=now))
    if lesson.calibration is None:
        typer.echo("Too little was heard to learn from. Everything stays as it is.")
        return
    if lesson.id is None:
        raise CalibrationError("Another calibration came into force meanwhile. Run it once more.")
    typer.echo(f"Calibration {lesson.id} is in force: {_scores(lesson.calibration)}.")
    for verdict in lesson.calibration.verdicts:
        typer.echo(told(verdict))


def told(verdict: Verdict) -> str:
    """One line on a receiver that a technician must see to."""
    other = f" with {verdict.other}" if verdict.other else ""
    return f"{verdict.receiver}: {verdict.fault}{other} ({verdict.nats:g} nats)"


def _in_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def inside() -> T:
        path = settings.state_path(settings.hub.database)
        async with Database(path, owner=False) as database:
            return await work(database)

    return asyncio.run(inside())


def _receivers(said: Calibration) -> Table:
    table = Table("receiver", "at 1 m dBm", "exponent", "threshold dBm", "hears", "", box=None)
    for receiver in sorted({*said.beliefs, *said.left_out}):
        left_out = "left out" if receiver in said.left_out else ""
        table.add_row(receiver, *_radio(said.beliefs.get(receiver)), left_out)
    return table


def _radio(belief: Belief | None) -> tuple[str, str, str, str]:
    if belief is None:
        return ("–", "–", "–", "–")
    radio = belief.radio
    return (
        f"{radio.power_dbm:.1f} ± {belief.level_sd_db:.1f}",
        f"{radio.exponent:.2f} ± {belief.exponent_sd:.2f}",
        f"{radio.threshold_dbm:.0f}",
        f"{radio.detection:.0%}",
    )


def _scores(said: Calibration) -> str:
    kept = "kept" if said.accepted else "not kept, the radios stay as they were"
    return f"score {said.before:.3f} before, {said.after:.3f} after: {kept}"


def _state(summary: Summary) -> str:
    return "in force" if summary.in_force else str(summary.life[-1].state)


def _clock(settings: Settings) -> Clock:
    return Clock(**settings.clock.model_dump())


def _moment(at: float, settings: Settings) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(settings.hub.calibration.time_zone))
    return local.strftime("%Y-%m-%d %H:%M")
