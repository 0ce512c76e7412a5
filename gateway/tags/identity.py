"""Whose identifier this is: what was heard on the air → the tag that sends it."""

from collections.abc import Callable, Iterable

from gateway.model import TagIdentifier


class Directory:
    """The tags of a site by their fixed identifiers, and by those rotating ones that were heard.

    `find(identifier)` is the tag that sends it, or None where nobody is known to.
    """

    def __init__(self, identifiers: Iterable[TagIdentifier]) -> None:
        by_identifier = {known.identifier: known for known in identifiers}
        # The dict's own method, not one around it: it is asked ten thousand times a second.
        self.find: Callable[[str], TagIdentifier | None] = by_identifier.get
        self._by_identifier = by_identifier

    def add(self, identifiers: Iterable[TagIdentifier]) -> None:
        """These were heard, too; who finds by this directory knows them from now on."""
        self._by_identifier.update({known.identifier: known for known in identifiers})

    def forget(self, identifiers: Iterable[str]) -> None:
        """These were heard too long ago."""
        for identifier in identifiers:
            self._by_identifier.pop(identifier, None)
