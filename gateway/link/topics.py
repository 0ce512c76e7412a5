"""The topics of one site, built and read in one place (the table of the architecture page)."""

from dataclasses import dataclass

from gateway.model import Lane

ANY = "+"
_LANES = {lane.value for lane in Lane}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker gave it. `retained`: it was published some time before."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class LaneAddress:
    """Whose row it is by its topic (the broker's ACL guards topics), and on which lane."""

    owner: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics under `machimori/v1/{site}`. For a subscription give `ANY` as an id."""

    site: str

    @property
    def root(self) -> str:
        """What every topic of the site begins with."""
        return f"machimori/v1/{self.site}"

    def gateway_status(self, gateway: str) -> str:
        """Retained, with last will: edge → all."""
        return f"{self.root}/gw/{gateway}/status"

    def up(self, gateway: str, lane: Lane) -> str:
        """Rows: edge → hub."""
        return f"{self.root}/gw/{gateway}/up/{lane}"

    def up_lanes(self, gateway: str) -> tuple[str, ...]:
        """All of `up`, to subscribe to."""
        return tuple(self.up(gateway, lane) for lane in Lane)

    def up_receipt(self, gateway: str) -> str:
        """Receipts for `up`: hub → edge."""
        return f"{self.root}/gw/{gateway}/up/receipt"

    def down(self, gateway: str, lane: Lane) -> str:
        """Rows: hub → edge."""
        return f"{self.root}/gw/{gateway}/down/{lane}"

    def down_lanes(self, gateway: str) -> tuple[str, ...]:
        """All of `down`, to subscribe to (`down/+` would bring the receipts too)."""
        return tuple(self.down(gateway, lane) for lane in Lane)

    def down_receipt(self, gateway: str) -> str:
        """Receipts for `down`: edge → hub."""
        return f"{self.root}/gw/{gateway}/down/receipt"

    def hub_status(self, hub: str) -> str:
        """Retained, with last will: hub → all."""
        return f"{self.root}/hub/{hub}/status"

    def out(self, hub: str, lane: Lane) -> str:
        """Rows: hub → sink."""
        return f"{self.root}/hub/{hub}/out/{lane}"

    def out_lanes(self, hub: str) -> tuple[str, ...]:
        """All of `out`, to subscribe to."""
        return tuple(self.out(hub, lane) for lane in Lane)

    def out_receipt(self, hub: str) -> str:
        """Receipts for `out`: sink → hub."""
        return f"{self.root}/hub/{hub}/out/receipt"

    def alert(self, alert: str) -> str:
        """An alert without persons: hub → integrators."""
        return f"{self.root}/alerts/{alert}"

    def lamp_state(self, lamp: str) -> str:
        """Retained: hub → integrators."""
        return f"{self.root}/lamps/{lamp}/state"

    def tag_position(self, tag: str) -> str:
        """Never retained, off by default: hub → one consented client."""
        return f"{self.root}/tags/{tag}/position"

    def lane_address(self, topic: str) -> LaneAddress | None:
        """Who owns the lane that `topic` is; None where it is no lane of this site."""
        match self._levels(topic):
            case ["gw" | "hub", owner, "up" | "down" | "out", lane] if lane in _LANES:
                return LaneAddress(owner=owner, lane=Lane(lane))
        return None

    def owner(self, topic: str) -> str | None:
        """The gateway or hub under which `topic` lies; None where it is no such topic."""
        match self._levels(topic):
            case ["gw" | "hub", owner, *_]:
                return owner
        return None

    def _levels(self, topic: str) -> list[str]:
        root = f"{self.root}/"
        return topic.removeprefix(root).split("/") if topic.startswith(root) else []
