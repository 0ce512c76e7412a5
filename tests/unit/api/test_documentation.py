"""The API's description for people: complete, and nothing from elsewhere."""

import re

from tests.unit.api.town import Town


async def test_every_operation_and_shape_is_on_the_page(town: Town) -> None:
    async with town.client() as client:
        page = (await client.get("/docs")).text
        api = (await client.get("/openapi.json")).json()
    assert len(api["paths"]) > 10
    for path, operations in api["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in page
    linked = set(re.findall(r'href="#(\w+)"', page))
    assert {"OwnCarrier", "PositionFeature", "Route", "AlertShape", "Credentials"} <= linked
    assert linked <= set(re.findall(r'id="(\w+)"', page))


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing(town: Town) -> None:
    async with town.client() as client:
        page = (await client.get("/docs")).text
        style = await client.get("/docs/style.css")
    assert "http" not in page
    assert "<script" not in page
    assert "style=" not in page
    assert style.headers["content-type"].startswith("text/css")
