"""What an edge learned of its receivers, kept in its outbox from one process to the next."""

from collections.abc import Mapping

import msgspec
import structlog

from gateway.tags.receiving import Usual

DOCUMENT = "receivers_usual"

_log = structlog.get_logger()


def read(documents: Mapping[str, bytes]) -> Mapping[str, Usual]:
    """By receiver; nothing where there is nothing that can be read: it is learned anew."""
    if DOCUMENT not in documents:
        return {}
    try:
        return msgspec.json.decode(documents[DOCUMENT], type=dict[str, Usual])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("what was learned of receivers cannot be read", reason=str(error))
        return {}


def written(usual: Mapping[str, Usual]) -> Mapping[str, bytes]:
    """The documents to keep."""
    return {DOCUMENT: msgspec.json.encode(usual)}
