"""Whose identifier this is: what was heard on the air → the tag that sends it."""

from collections.abc import Iterable

from gateway.model import TagIdentifier


class Directory:
    """The tags of a site by their fixed identifiers."""

    def __init__(self, identifiers: Iterable[TagIdentifier]) -> None:
        self._by_identifier = {known.identifier: known for known in identifiers}

    def find(self, identifier: str) -> TagIdentifier | None:
        """The tag that sends `identifier`, or None where nobody registered it."""
        return self._by_identifier.get(identifier)
