"""An alert's name follows from what it is about: the same happening told twice is one alert."""

import hashlib

from gateway.model import AlertKind


def alert_id(kind: AlertKind, subject: str, place: str, at: float) -> str:
    """`a-` and 20 hex digits; `at` counts to the second."""
    text = f"{kind}\0{subject}\0{place}\0{int(at)}"
    return "a-" + hashlib.blake2s(text.encode(), digest_size=10).hexdigest()
