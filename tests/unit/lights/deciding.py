"""Programs that say one level, and overrides to lay over them."""

from gateway.lamps import Authority, Decision, LampOrder, LampType, Override
from gateway.lights.orders import LightOrders

NOW = 1_800_000_000.0
CURVE = ((0.0, 0.4), (100.0, 40.0))


class FixedPrograms:
    """Every lamp at the same level; `asked` counts."""

    def __init__(self, level: float = 60.0) -> None:
        self.level = level
        self.followed: list[int] = []

    def decide(self, lamp: str, at: float) -> Decision:
        return Decision(at, self.level, Authority.PROGRAM, "evening", "p-1")

    def follow(self, orders: LightOrders) -> None:
        self.followed.append(orders.version)


def orders(*lamps: str, fallback_level: float = 80.0, version: int = 1) -> LightOrders:
    """Lamps of bus-1, those whose name begins with "old" of a type that takes minutes to glow."""
    return LightOrders(
        version=version,
        time_zone="Asia/Tokyo",
        lon=140.9,
        lat=37.0,
        lamps=tuple(
            LampOrder(
                lamp=lamp,
                bus="bus-1",
                unit=unit,
                profile="generic",
                lamp_type="sodium" if lamp.startswith("old") else "led",
                place=(0.0, 30.0 * unit),
                fallback_level=fallback_level,
            )
            for unit, lamp in enumerate(lamps, start=1)
        ),
        types=(LampType("led", CURVE, warm_up_s=5.0), LampType("sodium", CURVE, warm_up_s=300.0)),
        programs=(),
        calendars=(),
    )


def override(
    name: str,
    level: float | None,
    authority: Authority = Authority.STAFF,
    *lamps: str,
    made_at: float = NOW,
    start: float | None = None,
    minutes: float = 10.0,
    scene: str = "",
    blink: bool = False,
    ramp_to_level_s: float = 0.0,
    ramp_from_level_s: float = 0.0,
) -> Override:
    """From `start` (by default when it is made), of l-1 where no lamp is named."""
    begins = made_at if start is None else start
    return Override(
        name,
        lamps or ("l-1",),
        level,
        authority,
        made_at,
        begins,
        begins + minutes * 60,
        scene,
        blink,
        ramp_to_level_s,
        ramp_from_level_s,
    )
