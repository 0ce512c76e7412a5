"""Every kind of fault that the nemesis draws from; a family a module."""

from tests.system.chaos.faults import (
    broker,
    clocks,
    delivery,
    disks,
    files,
    kills,
    network,
    outage,
    pauses,
    twins,
)

CATALOGUE = (
    *kills.KINDS,
    *broker.KINDS,
    *network.KINDS,
    *delivery.KINDS,
    *pauses.KINDS,
    *disks.KINDS,
    *files.KINDS,
    *clocks.KINDS,
    *twins.KINDS,
    *outage.KINDS,
)
