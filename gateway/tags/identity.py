"""Whose identifier this is: what was heard on the air → the tag that sends it."""

from collections.abc import Callable, Iterable

from gateway.model import TagIdentifier


class Directory:
    """The tags of a site by their fixed identifiers.

    `find(identifier)` is the tag that sends it, or None where nobody registered it.
    """

    def __init__(self, identifiers: Iterable[TagIdentifier]) -> None:
        by_identifier = {known.identifier: known for known in identifiers}
        # The dict's own method, not one around it: it is asked ten thousand times a second.
        self.find: Callable[[str], TagIdentifier | None] = by_identifier.get
