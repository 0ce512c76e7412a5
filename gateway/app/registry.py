"""Who sends what, as the hub holds it in memory; read anew when the database's registry changes."""

from collections.abc import Iterable

from gateway.model import TagIdentifier
from gateway.store import people
from gateway.store.database import Database
from gateway.tags.identity import Directory


class Registry:
    """The tags of the site; `directory` is replaced whole, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[TagIdentifier, ...] = ()
        self.directory = Directory(())

    async def refresh(self) -> bool:
        """Read the registry; true where it has changed (a tag added by another program, say)."""
        known = await self._database.read(people.identifiers)
        if known == self._known:
            return False
        self._known = known
        self.directory = Directory(known)
        return True

    @property
    def buttons(self) -> Iterable[str]:
        """The identifiers whose hearing is urgent."""
        return (known.identifier for known in self._known if known.button)
