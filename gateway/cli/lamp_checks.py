"""What is wrong with the lamps of a site that can be read, and with how they are wired."""

from collections import Counter
from collections.abc import Collection, Iterator

from gateway.geojson import Finding
from gateway.settings import EdgeSettings
from gateway.site import Site


def lamp_findings(
    site: Site, *, profiles: Collection[str], types: Collection[str]
) -> Iterator[Finding]:
    """What each driven lamp names; `profiles` and `types` are those that the folder has."""
    driven = [lamp for lamp in site.lamps if lamp.gateway]
    seats = Counter((lamp.gateway, lamp.bus, lamp.unit) for lamp in driven)
    for lamp in driven:
        label = f"lamp {lamp.id}"
        if lamp.profile not in profiles:
            what = f"profile {lamp.profile} is no register map of the folder lamps"
            yield Finding(label, what, f"name one that is: {', '.join(sorted(profiles))}")
        if lamp.lamp_type not in types:
            what = f"lamp_type {lamp.lamp_type} is not in types.toml"
            yield Finding(label, what, f"name one that is: {', '.join(sorted(types))}")
        if seats[lamp.gateway, lamp.bus, lamp.unit] > 1:
            what = f"shares unit {lamp.unit} of {lamp.bus} of {lamp.gateway} with another lamp"
            yield Finding(label, what, "give each node of a line a unit of its own")


def bus_findings(site: Site, edge: EdgeSettings) -> Iterator[Finding]:
    """Lines that this edge's settings and the site must share; without any, it drives no lamp."""
    if not edge.buses:
        return
    named = {lamp.bus for lamp in site.lamps if lamp.gateway == edge.gateway}
    for bus in sorted(named - edge.buses.keys()):
        yield Finding(
            f"edge.buses.{bus}",
            f"is missing, and lamps of {edge.gateway} hang on it",
            "say where that line is (device), or give the lamps another bus on the site",
            warning=True,
        )
    for bus in sorted(edge.buses.keys() - named):
        yield Finding(
            f"edge.buses.{bus}",
            f"no lamp of the site hangs on it for {edge.gateway}",
            "draw its lamps there, or remove it",
            warning=True,
        )
    devices = Counter(bus.device for bus in edge.buses.values())
    for bus, settings in edge.buses.items():
        if devices[settings.device] > 1:
            what = f"shares {settings.device} with another bus"
            yield Finding(f"edge.buses.{bus}.device", what, "name each line's own adapter")
