"""The built page, with what browsers may keep of it."""

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

DIST = Path(__file__).parents[2] / "web" / "dist"
_NOT_BUILT = (
    "Machimori's API is here (/docs), its page is not: this installation was made without it.\n"
    "Build it in gateway/web with `npm ci && npm run build`, then start again.\n"
)
# Python's own table differs from system to system, and a module of another type is not run.
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript"}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class PageFiles(StaticFiles):
    """A name under `assets/` has its content's hash in it; everything else may change."""

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """The file with its type and how long it may be kept."""
        answer = super().file_response(full_path, *args, **kwargs)
        path = Path(os.fspath(full_path))
        if path.suffix in _TYPES and "content-type" in answer.headers:
            answer.headers["content-type"] = f"{_TYPES[path.suffix]}; charset=utf-8"
        hashed = path.parent.name == "assets"
        answer.headers["cache-control"] = _FOR_EVER if hashed else _ASK_AGAIN
        return answer


def add_to(app: FastAPI, dist: Path) -> None:
    """Serve the page in `dist` at `/`, after everything else; where it is none, say so there."""
    if (dist / "index.html").is_file():
        app.mount("/", PageFiles(directory=dist, html=True), name="page")
    else:
        app.add_api_route("/", _explain, include_in_schema=False)


async def _explain() -> Response:
    return PlainTextResponse(_NOT_BUILT, status_code=503)
