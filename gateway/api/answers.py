"""Answers as prepared bytes: several times faster than a model that is checked on its way out."""

from typing import Any

import msgspec
from fastapi import Response


class Json(Response):
    """`content` (dataclasses, lists of them) as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Bytes are JSON already."""
        return content if isinstance(content, bytes) else msgspec.json.encode(content)


class GeoJson(Json):
    """The same, said to be GeoJSON."""

    media_type = "application/geo+json"


def told(model: type, description: str = "Successful Response") -> dict[int | str, dict[str, Any]]:
    """What the documentation says of an answer of that shape."""
    return {200: {"model": model, "description": description}}
