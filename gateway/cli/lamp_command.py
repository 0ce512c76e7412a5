"""`machimori lamp set|blink`: say over the programs what lamps are to do, until when.

The word is written into the hub's database; a running hub tells it to the edges within a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from gateway.api.lamp_commands import Giver, Order, give
from gateway.cli.lamp_hub import LampError, LampHub, open_hub
from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.lamps import Authority, OutcomeState
from gateway.store import overrides
from gateway.store.database import Database
from gateway.store.overrides import StoredOverride

BY_HAND = "command line"
LONGEST_MINUTES = 7 * 24 * 60
LOOK_EVERY_S = 0.2
MOST_LOOKS = round((overrides.ANSWER_WITHIN_S + 1.0) / LOOK_EVERY_S)

Lamps = Annotated[list[str] | None, typer.Argument(metavar="LAMP", help="Ids of lamps.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="All lamps of a group.")]
Everyone = Annotated[bool, typer.Option("--all", help="Every lamp of the site.")]
Minutes = Annotated[float, typer.Option(min=0.1, max=LONGEST_MINUTES, help="For so long.")]
Technician = Annotated[
    bool, typer.Option("--technician", help="With a technician's authority, over staff's word.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for what lamps answer.")]
Sleep = Callable[[float], Awaitable[None]]


def set_level(
    lamps: Lamps = None,
    *,
    config: ConfigFile,
    level: Annotated[
        float | None, typer.Option(min=0, max=100, help="Percent of full light.")
    ] = None,
    program: Annotated[
        bool, typer.Option("--program", help="Back to the program, instead of a level.")
    ] = False,
    group: Groups = None,
    everyone: Everyone = False,
    minutes: Minutes = 30.0,
    reason: Annotated[str, typer.Option(help="Why, for those who ask later.")] = "",
    technician: Technician = False,
    no_wait: NoWait = False,
) -> None:
    """Set lamps to a level for some minutes, or give them back to their program."""
    if (level is None) != program:
        raise LampError("Give either --level, or --program.")
    hub = open_hub(config)
    chosen = hub.lights.map.choose(lamps=lamps or (), groups=group or (), everyone=everyone)
    expiration = hub.clock.utc() + 60.0 * minutes
    order = Order(chosen, level, expiration, reason=reason)
    _command(hub, order, technician=technician, wait=not no_wait)


def blink(
    lamps: Lamps = None,
    *,
    config: ConfigFile,
    minutes: Minutes = 2.0,
    no_wait: NoWait = False,
) -> None:
    """Let lamps go on and off for some minutes, to be found by somebody who stands below."""
    hub = open_hub(config)
    chosen = hub.lights.map.choose(lamps=lamps or ())
    expiration = hub.clock.utc() + 60.0 * minutes
    order = Order(chosen, 100.0, expiration, reason="to be found", blink=True)
    _command(hub, order, technician=True, wait=not no_wait)


async def settled(
    database: Database, override_id: str, *, clock: Clock, sleep: Sleep = asyncio.sleep
) -> StoredOverride:
    """The override as soon as every lamp was done or failed, which is within 3 s."""
    for _ in range(MOST_LOOKS):
        found = await database.read(overrides.get, override_id, now=clock.utc())
        if found is None:
            break
        if all(one.state is not OutcomeState.WAITING for one in found.outcomes):
            return found
        await sleep(LOOK_EVERY_S)
    raise LampError(f"Override {override_id} is not settled. `machimori lamp show` tells more.")


def _command(hub: LampHub, order: Order, *, technician: bool, wait: bool) -> None:
    giver = Giver(BY_HAND, Authority.TECHNICIAN if technician else Authority.STAFF)

    async def work(database: Database) -> StoredOverride | None:
        override_id = await database.write(give, order, giver, now=hub.clock.utc())
        typer.echo(
            f"Override {override_id}, lamps: {len(order.lamps)}, "
            f"until {hub.local(order.expiration)}."
        )
        return await settled(database, override_id, clock=hub.clock) if wait else None

    stored = hub.work(work)
    if stored is None:
        return
    for outcome in stored.outcomes:
        typer.echo(f"  {outcome.lamp}: {outcome.state} {outcome.why}".rstrip())
    if any(outcome.state is not OutcomeState.DONE for outcome in stored.outcomes):
        raise typer.Exit(1)
