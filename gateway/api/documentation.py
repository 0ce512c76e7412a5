"""`/docs`: the API's description as a plain page, made here; the usual pages load from a CDN."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .95em }
section { border-top: 1px solid #8886; padding: .5rem 0 }
td, th { text-align: left; padding: .1rem 1rem .1rem 0; vertical-align: top }
:root { color-scheme: light dark }
"""


@router.get("/docs")
async def documentation(request: Request) -> Response:
    """Every operation and every shape of openapi.json, for people."""
    return HTMLResponse("\n".join(_page(request.app.openapi())))


@router.get("/docs/style.css")
async def style() -> Response:
    """The page's style: the policy for content allows none inside a page."""
    return Response(_STYLE, media_type="text/css")


def _page(api: Mapping[str, Any]) -> Iterator[str]:
    title = escape(api["info"]["title"])
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    yield "<link rel=stylesheet href=/docs/style.css>"
    yield f"<h1>{title}</h1><p>{escape(api['info'].get('description', ''))}</p>"
    yield "<p>For programs: <a href=/openapi.json>openapi.json</a>.</p>"
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            yield from _operation(f"{method.upper()} {path}", operation)
    yield "<h2>Shapes</h2>"
    for name, shape in api.get("components", {}).get("schemas", {}).items():
        yield from _shape(name, shape)


def _operation(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h3><code>{escape(name)}</code></h3>"
    yield f"<p>{escape(operation.get('description', ''))}</p><table>"
    for parameter in operation.get("parameters", ()):
        wanted = "" if parameter.get("required") else " (optional)"
        told = f"{parameter['in']}{wanted} {parameter.get('description', '')}"
        yield _row(parameter["name"], _type(parameter["schema"]), told)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield _row("body", _type(content["schema"]), "")
    for code, answer in operation["responses"].items():
        shapes = [
            _type(content.get("schema", {})) for content in answer.get("content", {}).values()
        ]
        yield _row(code, " or ".join(shapes), answer.get("description", ""))
    yield "</table></section>"


def _shape(name: str, shape: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(name)}"><h3><code>{escape(name)}</code></h3>'
    yield f"<p>{escape(shape.get('description', ''))}</p><table>"
    for key, value in shape.get("properties", {}).items():
        yield _row(key, _type(value), "")
    if "enum" in shape:
        yield _row("one of", " ".join(f"<code>{escape(str(one))}</code>" for one in shape["enum"]))
    yield "</table></section>"


def _row(name: str, type_html: str, told: str = "") -> str:
    return f"<tr><th><code>{escape(name)}</code><td>{type_html}<td>{escape(told)}</tr>"


def _type(schema: Mapping[str, Any]) -> str:
    """A type as HTML, with a link where it is a shape of its own."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    return escape(str(schema.get("type", "")))
