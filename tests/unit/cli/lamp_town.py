"""Settings, site and database of a hub with lamps, at 17:00 of a day in January."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.settings import config_dir
from gateway.store.database import Connection, Database
from tests.unit.api.lamp_pieces import LAMPS, NOW, settle_lamps
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class LampTown:
    """Its settings' file, and its hub's database."""

    config: Path
    database: Path

    def write(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`call` in a transaction, as the hub would."""

        async def work() -> T:
            async with Database(self.database, owner=False) as database:
                return await database.write(call, *args, **kwargs)

        return asyncio.run(work())


def lamp_town(
    folder: Path, *, features: Sequence[Any] = LAMPS, types: str = "", settings: str = ""
) -> LampTown:
    """A town in `folder`; its clock stands still. `types` replaces types.toml."""
    write_site(folder, [*TOWN, *features])
    shutil.copytree(config_dir() / "lamps", folder / "lamps")
    if types:
        (folder / "lamps" / "types.toml").write_text(types)
    clock = f"[clock]\nstart = {NOW}\nanchor = 0.0\nrate = 1e-12\n"
    config = folder / "gateway.toml"
    config.write_text(f'lamps = "lamps"\nstate_dir = "{folder / "state"}"\n{clock}{settings}')
    town = LampTown(config, folder / "state" / "hub.sqlite")
    town.write(settle_lamps)
    return town
